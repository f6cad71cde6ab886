//! One script at a time: how much each may do, however many sessions a user has and however large they are.

use std::time::{Duration, Instant};

use cloakroom_redis::RedisStore;
use cloakroom_services::proxy::Proxy;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    Clock as _, ManualClock, Owner, OwnerKey, Owners as _, Record, Store as _, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version,
};

use crate::raw::{Raw, Watch};
use crate::shared::{created, prefix};

const LIFE: Duration = Duration::from_secs(1_800);

async fn open(url: &str) -> (RedisStore, ManualClock) {
    let clock = ManualClock::at(Timestamp::now());
    let builder = RedisStore::from_url(url).unwrap().clock(clock.clone());
    (builder.prefix(prefix()).build().await.unwrap(), clock)
}

fn alice() -> OwnerKey {
    OwnerKey::new("alice").unwrap()
}

fn key(number: u64) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

fn record(clock: &ManualClock) -> Record {
    Record::new(vec![b'x'; 10_000], clock.now() + LIFE).with_owner(Owner::new(alice(), clock.now()))
}

#[tokio::test]
async fn a_touch_a_log_in_and_a_new_record_in_the_place_of_an_expired_one_read_no_payload() {
    let server = Instance::start(Service::Redis).unwrap();
    let (store, clock) = open(&server.url()).await;
    let mut watch = Watch::on(&[server.url()]);
    let mut version = created(&store, &key(0), &record(&clock)).await;
    for _ in 0..9 {
        clock.advance(Duration::from_secs(1));
        let later = clock.now() + LIFE;
        assert!(store.touch(&key(0), later).await.unwrap());
        let touch = Touch::new(Timestamp::NEVER, later + Duration::from_micros(1));
        assert_eq!(store.load(&key(0), Some(touch)).await.unwrap().unwrap().version, version);
        version = match store.update(&key(0), version, &record(&clock)).await.unwrap() {
            UpdateOutcome::Updated(version) => version,
            other => panic!("{other:?}"),
        };
        let ends = Duration::from_micros(1);
        created(&store, &key(1), &record(&clock).with_expires_at(clock.now() + ends)).await;
        clock.advance(ends);
    }
    let _ended = store.revoke(&alice(), clock.now()).await.unwrap();
    assert_eq!(watch.records_read_by_scripts(), 0);
    // What a conflict answers with has to be read.
    let version = created(&store, &key(2), &Record::new("coat", clock.now() + LIFE)).await;
    let other = Version::new(version.get() ^ 1);
    let answer = store.update(&key(2), other, &Record::new("hat", clock.now() + LIFE)).await.unwrap();
    assert!(matches!(answer, UpdateOutcome::Conflict(_)));
    assert_eq!(watch.records_read_by_scripts(), 1);
}

#[tokio::test]
async fn a_touch_that_is_due_answers_with_the_new_expiry_and_not_with_the_payload_again() {
    let (url, prefix) = (Service::Redis.shared(), prefix());
    let proxy = Proxy::to(&url).unwrap();
    let clock = ManualClock::at(Timestamp::now());
    let builder = RedisStore::from_url(proxy.url()).unwrap().clock(clock.clone());
    let store = builder.prefix(prefix).build().await.unwrap();
    for owner in [None, Some(Owner::new(alice(), clock.now()))] {
        let record = record(&clock).with_owner(owner);
        created(&store, &key(0), &record).await;
        let before = proxy.received();
        // The second is further than the index of the owner was to last.
        for later in [clock.now() + 2 * LIFE, clock.now() + 2_000 * LIFE] {
            let touched = store.load(&key(0), Some(Touch::new(Timestamp::NEVER, later))).await.unwrap();
            let moved = record.clone().with_expires_at(later);
            assert_eq!(touched.unwrap().record, moved);
            assert_eq!(store.load(&key(0), None).await.unwrap().unwrap().record, moved);
        }
        let received = proxy.received() - before;
        assert!((40_000..55_000).contains(&received), "{received}");
        store.delete(&key(0)).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_step_looks_at_32_records_and_removes_16() {
    let server = Instance::start(Service::Redis).unwrap();
    let (store, clock) = open(&server.url()).await;
    for number in 0..40 {
        created(&store, &key(number), &record(&clock)).await;
    }
    let first = store.list(&alice(), None, 1_000).await.unwrap();
    assert_eq!(first.heads.len(), 32);
    let second = store.list(&alice(), first.next.as_ref(), 1_000).await.unwrap();
    assert_eq!((second.heads.len(), second.next), (8, None));
    store.revoke(&OwnerKey::new("bob").unwrap(), clock.now()).await.unwrap(); // the script is new to the server once
    let mut watch = Watch::on(&[server.url()]);
    assert_eq!(store.revoke(&alice(), clock.now()).await.unwrap(), 40);
    assert_eq!(watch.commands("test"), 3);
    assert_eq!(Raw::server(&server.url()).ask::<u64>("DBSIZE"), 2, "the marks of both users");
}

/// What the server itself says of the last scripts, in microseconds: the middle one, and the longest.
fn durations(raw: &mut Raw<cloakroom_redis::redis::Connection>) -> (u64, u64) {
    type Entry = (u64, u64, u64, Vec<String>, String, String);
    let entries = raw.ask::<Vec<Entry>>("SLOWLOG GET 4096").into_iter();
    let mut took: Vec<u64> =
        entries.filter_map(|(_, _, took, words, ..)| (words[0] == "EVALSHA").then_some(took)).collect();
    took.sort_unstable();
    let _: String = raw.ask("SLOWLOG RESET");
    (took[took.len() / 2], took[took.len() - 1])
}

#[tokio::test]
#[ignore = "takes 2 GB and a minute; a time is a figure for docs/performance.md, not a promise"]
async fn how_long_each_script_takes_if_a_user_has_10_000_sessions_of_200_kilobytes() {
    let server = Instance::start(Service::Redis).unwrap();
    let (store, clock) = open(&server.url()).await;
    let mut raw = Raw::server(&server.url());
    let large = |clock: &ManualClock| record(clock).with_payload(vec![b'x'; 200_000]);
    let mut versions = Vec::new();
    for number in 0..10_000 {
        versions.push(created(&store, &key(number), &large(&clock)).await);
    }
    let _: String = raw.ask("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 4096");
    let _: String = raw.ask("SLOWLOG RESET");
    let mut report = |what: &str| eprintln!("{what:24} {:?}", durations(&mut raw));
    let later = clock.now() + 2 * LIFE;
    for number in 0..100 {
        assert!(store.touch(&key(number), later).await.unwrap());
    }
    report("touch");
    for number in 100..200 {
        let touch = Touch::new(Timestamp::NEVER, later);
        assert!(store.load(&key(number), Some(touch)).await.unwrap().is_some());
    }
    report("load, touch due");
    clock.advance(Duration::from_secs(1));
    for number in 0..100 {
        created(&store, &key(20_000 + number), &record(&clock)).await;
    }
    report("log-in, a new record");
    for number in 200..300 {
        let version = versions[usize::try_from(number).unwrap()];
        let answer = store.update(&key(number), version, &record(&clock)).await.unwrap();
        assert!(matches!(answer, UpdateOutcome::Updated(_)));
    }
    report("log-in, over a record");
    let (began, mut next) = (Instant::now(), store.list(&alice(), None, 1_000).await.unwrap().next);
    while let Some(after) = next {
        next = store.list(&alice(), Some(&after), 1_000).await.unwrap().next;
    }
    report("a page of a list");
    eprintln!("{:24} {:?}", "the whole list", began.elapsed());
    assert_eq!(store.revoke(&alice(), clock.now()).await.unwrap(), 10_100);
    report("a step of a revocation");
}
