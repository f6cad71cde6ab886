//! How the store writes, and what a sweep leaves to do.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use cloakroom_redb::RedbStore;
use cloakroom_store::{
    Clock, CreateOutcome, ManualClock, Owner, OwnerKey, Owners, Record, Scan, Store, StoreKey, Sweep,
    SweepStats, Timestamp, UpdateOutcome,
};

const MINUTE: Duration = Duration::from_secs(60);
const NOTHING: SweepStats = SweepStats::NOTHING;
const ONE: SweepStats = SweepStats::new(1, 1, false);

fn key(number: u32) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

#[tokio::test]
async fn dropping_the_store_does_what_was_asked_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.redb");
    let store = RedbStore::open(&path).await.unwrap();
    for number in 0..100 {
        let (key, record) = (key(number), Record::new("coat", Timestamp::NEVER));
        let create = pin!(store.create(&key, &record));
        let _ready_or_not = create.poll(&mut Context::from_waker(Waker::noop()));
    }
    drop(store);
    assert_eq!(RedbStore::open(&path).await.unwrap().count().await.unwrap(), 100);
}

/// A store in memory, and its clock.
async fn open() -> (RedbStore, ManualClock) {
    let clock = ManualClock::at(Timestamp::now());
    let builder = RedbStore::memory_builder().clock(clock.clone());
    (builder.build().await.unwrap(), clock)
}

async fn create(store: &RedbStore, number: u32, expires_at: Timestamp) {
    let created = store.create(&key(number), &Record::new("coat", expires_at)).await.unwrap();
    assert!(matches!(created, CreateOutcome::Created(_)));
}

#[tokio::test]
async fn a_record_that_was_touched_is_swept_at_its_new_expiry() {
    let (store, clock) = open().await;
    create(&store, 1, clock.now() + MINUTE).await;
    assert!(store.touch(&key(1), clock.now() + 3 * MINUTE).await.unwrap());
    clock.advance(2 * MINUTE);
    assert_eq!(store.sweep(10).await.unwrap(), NOTHING);
    clock.advance(MINUTE);
    assert_eq!(store.sweep(10).await.unwrap(), ONE);
}

#[tokio::test]
async fn an_update_that_shortens_a_record_is_swept_at_its_new_expiry() {
    let (store, clock) = open().await;
    create(&store, 1, clock.now() + 60 * MINUTE).await;
    let version = store.load(&key(1), None).await.unwrap().unwrap().version;
    let shorter = Record::new("coat", clock.now() + MINUTE);
    assert!(matches!(store.update(&key(1), version, &shorter).await.unwrap(), UpdateOutcome::Updated(_)));
    clock.advance(MINUTE);
    assert_eq!(store.sweep(10).await.unwrap(), ONE);
}

#[tokio::test]
async fn a_sweep_gets_past_any_number_of_live_records_that_are_due() {
    let (store, clock) = open().await;
    for number in 0..1000 {
        create(&store, number, clock.now() + MINUTE).await;
        assert!(store.touch(&key(number), clock.now() + 60 * MINUTE).await.unwrap());
    }
    for number in 1000..1600 {
        create(&store, number, clock.now() + 2 * MINUTE).await;
    }
    clock.advance(2 * MINUTE);
    assert_eq!(store.sweep(599).await.unwrap(), SweepStats::new(599, 599, true));
    assert_eq!(store.sweep(1).await.unwrap(), ONE);
    assert_eq!(store.count().await.unwrap(), 1000);
}

#[tokio::test]
async fn a_sweep_forgets_revocations_after_a_day() {
    let (store, clock) = open().await;
    let owner = OwnerKey::new("alice").unwrap();
    let since = clock.now();
    store.revoke(&owner, since).await.unwrap();
    clock.advance((24 * 60 - 1) * MINUTE);
    store.sweep(0).await.unwrap();
    let record = Record::new("coat", Timestamp::NEVER).with_owner(Owner::new(owner, since));
    assert_eq!(store.create(&key(1), &record).await.unwrap(), CreateOutcome::Revoked);
    clock.advance(MINUTE);
    store.sweep(0).await.unwrap();
    assert!(matches!(store.create(&key(1), &record).await.unwrap(), CreateOutcome::Created(_)));
}
