//! What the store promises beyond the contract, which the conformance suite tests.

mod bounds;
mod cost;
mod expiry;
mod leaks;
mod owners;
mod scan;
mod sweep;

use std::time::Duration;

use cloakroom_store::{CreateOutcome, ManualClock, Owner, OwnerKey, Record, StoreKey, Timestamp, Version};

use super::{MemoryStore, MemoryStoreBuilder};

/// A whole second: slots begin here.
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn store() -> (MemoryStore, ManualClock) {
    built(MemoryStore::builder())
}

fn built(builder: MemoryStoreBuilder) -> (MemoryStore, ManualClock) {
    let clock = ManualClock::at(START);
    (builder.clock(clock.clone()).build(), clock)
}

fn key(number: u64) -> StoreKey {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    StoreKey::from_hash(hash)
}

/// A record that lives for `seconds` from the start.
fn lives(seconds: u64) -> Record {
    Record::new(vec![7; 100], START + Duration::from_secs(seconds))
}

fn owner(name: &str) -> OwnerKey {
    OwnerKey::new(name).unwrap()
}

fn owned(name: &str, seconds: u64) -> Record {
    lives(seconds).with_owner(Owner::new(owner(name), START))
}

fn create(store: &MemoryStore, number: u64, record: &Record) -> Version {
    match store.create_now(&key(number), record).unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

fn is_alive(store: &MemoryStore, number: u64) -> bool {
    store.load_now(&key(number), None).unwrap().is_some()
}
