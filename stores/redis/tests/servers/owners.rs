//! Indexes of owners: how long they last, what they forget, and what a fence refuses.

use std::time::Duration;

use cloakroom_conformance::{LongList, heads_of};
use cloakroom_redis::RedisStore;
use cloakroom_services::Service;
use cloakroom_services::proxy::Proxy;
use cloakroom_store::{
    Clock as _, CreateOutcome, ManualClock, Owner, OwnerKey, Owners as _, Record, Store as _, StoreKey,
    Timestamp, Touch, UpdateOutcome,
};

use crate::raw::Raw;
use crate::shared::{prefix, shared};

const HOUR: Duration = Duration::from_secs(3_600);

struct Place {
    prefix: String,
    clock: ManualClock,
    store: RedisStore,
    alice: OwnerKey,
}

async fn place(service: Service) -> Place {
    let (clock, prefix) = (ManualClock::at(Timestamp::now()), prefix());
    let builder = shared(service, "").prefix(&*prefix).clock(clock.clone());
    let store = builder.build().await.unwrap();
    Place { prefix, clock, store, alice: OwnerKey::new("alice").unwrap() }
}

impl Place {
    fn record(&self, lives: Duration) -> Record {
        let owner = Some(Owner::new(self.alice.clone(), self.clock.now()));
        Record::new("coat", self.clock.now() + lives).with_owner(owner)
    }

    /// The name of a key in the server, of a record or of alice.
    fn name(&self, kind: char, key: &StoreKey) -> String {
        match kind {
            'r' | 'f' => format!("{}{kind}:{{{}}}", self.prefix, String::from_utf8_lossy(&base64(key))),
            _ => format!("{}{kind}:{{alice}}", self.prefix),
        }
    }
}

/// Keys of these tests are three times the same byte, so that this is short.
fn base64(key: &StoreKey) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let [a, b, c] = <[u8; 3]>::try_from(key.as_bytes()).unwrap();
    [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63]
        .map(|at| letters[usize::from(at)])
        .to_vec()
}

fn key(number: u8) -> StoreKey {
    StoreKey::from_bytes(&[number; 3]).unwrap()
}

#[tokio::test]
async fn the_server_lets_everything_go_by_itself_and_no_index_before_its_records() {
    let place = place(Service::Redis).await;
    let mut raw = Raw::server(&Service::Redis.shared());
    let mut lasts = |kind| raw.ask::<i64>(&format!("PTTL {}", place.name(kind, &key(1))));
    let _created = place.store.create(&key(1), &place.record(HOUR)).await.unwrap();
    let (record, index) = (lasts('r'), lasts('o'));
    assert!((3_600_000..=3_660_000).contains(&record), "{record}");
    assert!(index >= record + 24 * 3_600_000 && index <= 27 * 3_600_000, "{index}");

    // Each in another way, and each further than the index was to last.
    let far = |times| place.clock.now() + HOUR * times;
    assert!(place.store.touch(&key(1), far(100)).await.unwrap());
    assert!(lasts('o') > lasts('r') && lasts('r') > 99 * 3_600_000);
    let touch = Touch::new(Timestamp::NEVER, far(1_000));
    let stored = place.store.load(&key(1), Some(touch)).await.unwrap().unwrap();
    assert_eq!(stored.record.expires_at, far(1_000));
    assert!(lasts('o') > lasts('r') && lasts('r') > 999 * 3_600_000);
    let UpdateOutcome::Updated(_) =
        place.store.update(&key(1), stored.version, &place.record(HOUR * 10_000)).await.unwrap()
    else {
        panic!()
    };
    assert!(lasts('o') > lasts('r') && lasts('r') > 9_999 * 3_600_000);
    assert!(place.store.touch(&key(1), Timestamp::NEVER).await.unwrap());
    assert_eq!((lasts('o'), lasts('r')), (-1, -1));

    place.store.revoke(&place.alice, place.clock.now()).await.unwrap();
    let revocation = lasts('x');
    assert!((24 * 3_600_000..=26 * 3_600_000).contains(&revocation), "{revocation}");
    assert_eq!((lasts('o'), lasts('r')), (-2, -2));
}

#[tokio::test]
async fn in_a_cluster_no_index_ends_before_its_records_either_and_a_fence_ends_too() {
    let place = place(Service::RedisCluster).await;
    let mut raw = Raw::cluster(&Service::RedisCluster.shared());
    let mut lasts = |kind, number| raw.ask::<i64>(&format!("PTTL {}", place.name(kind, &key(number))));
    for number in 1..9 {
        let _created = place.store.create(&key(number), &place.record(HOUR)).await.unwrap();
        let far = |times: u32| place.clock.now() + HOUR * times * u32::from(number);
        assert!(place.store.touch(&key(number), far(100)).await.unwrap());
        assert!(lasts('o', number) > lasts('r', number));
        let touch = Touch::new(Timestamp::NEVER, far(1_000));
        let stored = place.store.load(&key(number), Some(touch)).await.unwrap().unwrap();
        assert!(lasts('o', number) > lasts('r', number));
        let longer = place.record(HOUR * 10_000 * u32::from(number));
        let UpdateOutcome::Updated(_) =
            place.store.update(&key(number), stored.version, &longer).await.unwrap()
        else {
            panic!()
        };
        assert!(lasts('o', number) > lasts('r', number) && lasts('r', number) > 9_999 * 3_600_000);
    }
    assert_eq!(place.store.revoke(&place.alice, place.clock.now()).await.unwrap(), 8);
    for number in 1..9 {
        let (record, fence) = (lasts('r', number), lasts('f', number));
        assert!(record == -2 && (24 * 3_600_000..=26 * 3_600_000).contains(&fence), "{record} {fence}");
    }
}

#[tokio::test]
async fn an_index_drops_records_that_are_gone_although_it_is_never_listed() {
    let place = place(Service::Redis).await;
    let mut raw = Raw::server(&Service::Redis.shared());
    let _stays = place.store.create(&key(0), &place.record(HOUR)).await.unwrap();
    for number in 1..150 {
        let _created = place.store.create(&key(number), &place.record(HOUR)).await.unwrap();
        place.store.delete(&key(number)).await.unwrap().unwrap();
    }
    let members: u64 = raw.ask(&format!("ZCARD {}", place.name('o', &key(0))));
    assert!(members <= 33, "{members}");
    assert_eq!(heads_of(&place.store, &place.alice).await.unwrap().len(), 1);
    assert_eq!(raw.ask::<u64>(&format!("ZCARD {}", place.name('o', &key(0)))), 1);
}

#[tokio::test]
async fn in_a_cluster_a_member_without_a_record_is_forgotten_later_and_not_at_once() {
    let place = place(Service::RedisCluster).await;
    let mut raw = Raw::cluster(&Service::RedisCluster.shared());
    for number in 0..9 {
        let _created = place.store.create(&key(number), &place.record(HOUR * 48)).await.unwrap();
    }
    for number in 1..9 {
        place.store.delete(&key(number)).await.unwrap().unwrap();
    }
    let mut members = || raw.ask::<u64>(&format!("ZCARD {}", place.name('o', &key(0))));
    assert_eq!(heads_of(&place.store, &place.alice).await.unwrap().len(), 1);
    assert_eq!(members(), 9);
    place.clock.advance(HOUR * 3 / 2);
    assert_eq!(heads_of(&place.store, &place.alice).await.unwrap().len(), 1);
    assert_eq!(members(), 1);
}

/// A crash between the two leaves a member of the index, and nothing that matters.
#[tokio::test]
async fn in_a_cluster_what_was_listed_and_never_written_is_never_shown() {
    let place = place(Service::RedisCluster).await;
    let mut raw = Raw::cluster(&Service::RedisCluster.shared());
    let listed = String::from_utf8(base64(&key(3))).unwrap();
    let _: i64 =
        raw.ask(&format!("ZADD {} {} {listed}", place.name('o', &key(3)), place.clock.now().as_millis()));
    assert_eq!(heads_of(&place.store, &place.alice).await.unwrap(), []);
    assert_eq!(place.store.revoke(&place.alice, place.clock.now()).await.unwrap(), 0);
    place.clock.advance(HOUR);
    assert!(matches!(
        place.store.create(&key(3), &place.record(HOUR)).await.unwrap(),
        CreateOutcome::Created(_)
    ));
}

/// Listed before the revocation, written after it: the owner's slot has let it pass, the record's must not.
#[tokio::test]
async fn in_a_cluster_a_write_that_was_on_its_way_during_a_revocation_is_refused_by_the_fence() {
    let place = place(Service::RedisCluster).await;
    let mut raw = Raw::cluster(&Service::RedisCluster.shared());
    let CreateOutcome::Created(ownerless) =
        place.store.create(&key(5), &Record::new("", place.clock.now() + HOUR)).await.unwrap()
    else {
        panic!()
    };
    for number in [4, 5] {
        let listed = String::from_utf8(base64(&key(number))).unwrap();
        let _: i64 = raw.ask(&format!("ZADD {} 1 {listed}", place.name('o', &key(number))));
    }
    assert_eq!(place.store.revoke(&place.alice, place.clock.now()).await.unwrap(), 0);
    // As if it had been listed a moment before.
    assert_eq!(raw.ask::<i64>(&format!("DEL {}", place.name('x', &key(4)))), 1);
    assert_eq!(place.store.create(&key(4), &place.record(HOUR)).await.unwrap(), CreateOutcome::Revoked);
    assert_eq!(
        place.store.update(&key(5), ownerless, &place.record(HOUR)).await.unwrap(),
        UpdateOutcome::Revoked
    );
    assert_eq!(place.store.load(&key(4), None).await.unwrap(), None);
    // A log-in that began later is let through, and other records of the user are not meant.
    place.clock.advance(Duration::from_micros(1));
    assert!(matches!(
        place.store.create(&key(4), &place.record(HOUR)).await.unwrap(),
        CreateOutcome::Created(_)
    ));
}

#[tokio::test]
async fn f15_a_list_of_1200_large_sessions_is_read_in_pages_without_their_payloads() {
    for service in [Service::Redis, Service::Valkey] {
        let place = place(service).await;
        let proxy = Proxy::to(&service.shared()).unwrap();
        let reader = RedisStore::from_url(proxy.url()).unwrap().prefix(&*place.prefix).build().await.unwrap();
        let cost = LongList::measure(&place.store, &reader, 20_000, || proxy.received()).await.unwrap();
        cost.assert_bounded(120_000, 10_000); // an answer for each 16 that end
    }
}

/// A proxy cannot stand in front of a cluster, so its servers count.
#[tokio::test]
async fn f15_a_list_of_1200_large_sessions_is_read_in_pages_in_a_cluster() {
    let place = place(Service::RedisCluster).await;
    let cost = LongList::measure(&place.store, &place.store, 20_000, || 0).await.unwrap();
    cost.assert_bounded(0, 0);
}
