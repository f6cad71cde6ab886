//! Trips to the server, by its own statistics.

use std::time::Duration;

use cloakroom_redis::RedisStore;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    Clock as _, CreateOutcome, ManualClock, Owner, OwnerKey, Record, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome,
};

use crate::app::App;
use crate::raw::{Raw, Watch, nodes};
use crate::shared::prefix;

async fn open(url: &str) -> (RedisStore, ManualClock) {
    let clock = ManualClock::at(Timestamp::now());
    let builder = RedisStore::from_url(url).unwrap().clock(clock.clone());
    (builder.prefix(prefix()).build().await.unwrap(), clock)
}

/// How often the server has read from a connection: once for each trip of so little, and once for the question.
fn reads(server: &mut Raw<cloakroom_redis::redis::Connection>) -> u64 {
    server.number("stats", "total_reads_processed")
}

#[tokio::test]
async fn a_request_makes_the_trips_that_are_promised() {
    let server = Instance::start(Service::Redis).unwrap();
    let mut raw = Raw::server(&server.url());
    let (store, clock) = open(&server.url()).await;
    let mut app = App::on(store, &clock);
    // The scripts are new to the server once.
    for path in ["/write", "/read", "/write", "/log-in", "/write"] {
        assert!(app.get(path).await.0.is_success(), "{path}");
    }
    clock.advance(Duration::from_secs(600));
    assert!(app.get("/read").await.0.is_success());
    let mut made = Vec::new();
    let mut measure = async |app: &mut App, what: &'static str, path: &str| {
        let before = reads(&mut raw);
        assert!(app.get(path).await.0.is_success());
        made.push((what, reads(&mut raw) - before - 1));
    };
    let mut guest = App::on(open(&server.url()).await.0, &clock);
    measure(&mut guest, "without a cookie, untouched", "/untouched").await;
    measure(&mut guest, "first write", "/write").await;
    measure(&mut guest, "untouched", "/untouched").await;
    measure(&mut guest, "read", "/read").await;
    measure(&mut guest, "write", "/write").await;
    clock.advance(Duration::from_secs(600));
    measure(&mut guest, "read, touch due", "/read").await;
    measure(&mut guest, "log-in", "/log-in").await;
    clock.advance(Duration::from_secs(600));
    measure(&mut guest, "read by a user, touch due", "/read").await;
    measure(&mut guest, "write by a user", "/write").await;
    assert_eq!(
        made,
        [
            ("without a cookie, untouched", 0),
            ("first write", 1),
            ("untouched", 0),
            ("read", 1),
            ("write", 2),
            ("read, touch due", 2), // the load says that it is
            ("log-in", 4), // the load, then two, and a page of the user's sessions, which are held to a number
            ("read by a user, touch due", 2),
            ("write by a user", 2),
        ]
    );
}

fn new_key() -> StoreKey {
    StoreKey::from_bytes(prefix().as_bytes()).unwrap()
}

fn owned(now: Timestamp, since: u64) -> Record {
    let key = OwnerKey::new(prefix()).unwrap();
    let owner = Some(Owner::new(key, now - Duration::from_secs(1_000 - since)));
    Record::new("x", now + Duration::from_secs(1_800)).with_owner(owner)
}

/// Every method, and how many commands it sent to the servers.
async fn calls(
    store: &RedisStore,
    now: Timestamp,
    mut count: impl FnMut() -> u64,
) -> Vec<(&'static str, u64)> {
    let mut made = Vec::new();
    let mut last = count();
    let mut note = |what| {
        let calls = count();
        made.push((what, calls - last));
        last = calls;
    };
    let (key, other) = (new_key(), new_key());
    let record = Record::new("x", now + Duration::from_secs(1_800));
    let CreateOutcome::Created(version) = store.create(&key, &record).await.unwrap() else { panic!() };
    note("create");
    let touch = Touch::new(Timestamp::NEVER, record.expires_at + Duration::from_secs(9));
    store.load(&key, Some(touch)).await.unwrap().unwrap();
    note("load with a touch that is due");
    store.load(&key, Some(Touch::new(now, touch.expires_at))).await.unwrap().unwrap();
    note("load with a touch that is not due");
    let UpdateOutcome::Updated(version) = store.update(&key, version, &record).await.unwrap() else {
        panic!()
    };
    note("update");
    let user = owned(now, 1);
    let UpdateOutcome::Updated(version) = store.update(&key, version, &user).await.unwrap() else { panic!() };
    note("update to another owner");
    let UpdateOutcome::Updated(_) = store.update(&key, version, &user).await.unwrap() else { panic!() };
    note("update of the same owner");
    let CreateOutcome::Created(_) = store.create(&other, &owned(now, 2)).await.unwrap() else { panic!() };
    note("create with an owner");
    store.load(&other, Some(touch)).await.unwrap().unwrap();
    note("load with a touch of an owner's record");
    store.touch(&other, now + Duration::from_secs(86_400 * 30)).await.unwrap();
    note("touch further than the index was to last");
    store.delete(&other).await.unwrap().unwrap();
    note("delete");
    made
}

#[tokio::test]
async fn a_method_makes_the_trips_that_are_promised_on_one_server() {
    let server = Instance::start(Service::Redis).unwrap();
    let (store, clock) = open(&server.url()).await;
    let mut watch = Watch::on(&[server.url()]);
    let now = clock.now();
    calls(&store, now, || 0).await; // the scripts are new to the server once
    let mut count = || watch.commands("test");
    assert_eq!(
        calls(&store, now, &mut count).await,
        [
            ("create", 1),
            ("load with a touch that is due", 2),
            ("load with a touch that is not due", 1),
            ("update", 1),
            ("update to another owner", 1),
            ("update of the same owner", 1),
            ("create with an owner", 1),
            ("load with a touch of an owner's record", 2),
            ("touch further than the index was to last", 3),
            ("delete", 1),
        ]
    );
}

#[tokio::test]
async fn a_method_makes_the_trips_that_are_promised_in_a_cluster() {
    let server = Instance::start(Service::RedisCluster).unwrap();
    let (store, clock) = open(&server.url()).await;
    let mut watch = Watch::on(&nodes(&server.url()));
    let now = clock.now();
    for _ in 0..40 {
        calls(&store, now, || 0).await;
    }
    let mut count = || watch.commands("test");
    assert_eq!(
        calls(&store, now, &mut count).await,
        [
            ("create", 1),
            ("load with a touch that is due", 2),
            ("load with a touch that is not due", 1),
            ("update", 1),
            ("update to another owner", 3),
            ("update of the same owner", 1),
            ("create with an owner", 2),
            ("load with a touch of an owner's record", 2),
            ("touch further than the index was to last", 3),
            ("delete", 1),
        ]
    );
}
