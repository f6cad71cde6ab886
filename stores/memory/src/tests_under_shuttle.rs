//! What holds when operations meet, in thousands of interleavings of their steps.
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle" cargo test -p cloakroom --lib shuttle
//! ```

mod dropping;
mod ending;
mod owning;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    CreateOutcome, ManualClock, Owner, OwnerKey, Record, StoreKey, Timestamp, UpdateOutcome, Version,
};
use shuttle::thread::{JoinHandle, spawn};

use super::{MemoryStore, MemoryStoreBuilder};

const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const SECOND: Duration = Duration::from_secs(1);

/// Runs `scenario` under many schedules: chosen at random, and such as find bugs that need few preemptions.
fn search(scenario: impl Fn() + Copy + Send + Sync + 'static) {
    shuttle::check_random(scenario, 2_000);
    shuttle::check_pct(scenario, 2_000, 3);
}

/// A store on a clock that stands still; few shards, so that records meet.
fn built(settings: impl FnOnce(MemoryStoreBuilder) -> MemoryStoreBuilder) -> (Arc<MemoryStore>, ManualClock) {
    let clock = ManualClock::at(START);
    let store = settings(MemoryStore::builder().shards(2)).clock(clock.clone()).build();
    (Arc::new(store), clock)
}

fn store() -> (Arc<MemoryStore>, ManualClock) {
    built(|settings| settings)
}

/// Starts a thread that has the store.
fn with<T: Send + 'static>(
    store: &Arc<MemoryStore>,
    step: impl FnOnce(&MemoryStore) -> T + Send + 'static,
) -> JoinHandle<T> {
    let store = Arc::clone(store);
    spawn(move || step(&store))
}

/// Waits for threads whose answers do not matter.
fn join_all(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Ends a step whose answer may be any.
fn done<T>(_answer: T) {}

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn lives(seconds: u64) -> Record {
    Record::new("anonymous", START + Duration::from_secs(seconds))
}

fn owner() -> OwnerKey {
    OwnerKey::new("a").unwrap()
}

fn owned(seconds: u64) -> Record {
    lives(seconds).with_owner(Owner::new(owner(), START))
}

fn create(store: &MemoryStore, number: u8, record: &Record) -> Version {
    match store.create_now(&key(number), record).unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

fn update(store: &MemoryStore, number: u8, expected: Version, record: &Record) -> UpdateOutcome {
    store.update_now(&key(number), expected, record).unwrap()
}

fn is_alive(store: &MemoryStore, number: u8) -> bool {
    store.load_now(&key(number), None).unwrap().is_some()
}
