//! The memory store keeps the contract, every sentence of it.
#![cfg(not(shuttle))]

use std::sync::Arc;

use cloakroom_cached::CachedStore;
use cloakroom_conformance::{Capability, Immediately, Limits, ManualHarness, suite};
use cloakroom_memory::MemoryStore;
use cloakroom_migrating::MigratingStore;
use cloakroom_store::{ManualClock, Record, Store, StoreKey, Timestamp};

const BOUND: u64 = 16 << 20;

/// Asked as any store is.
async fn harness() -> ManualHarness {
    ManualHarness::new(store).with_limits(limits().await)
}

/// Asked through its capability to answer without waiting.
async fn immediately() -> ManualHarness {
    ManualHarness::new(|clock| Immediately::new(store(clock.clone()), clock)).with_limits(limits().await)
}

fn store(clock: ManualClock) -> MemoryStore {
    MemoryStore::builder().max_bytes(BOUND).clock(clock).build()
}

async fn limits() -> Limits {
    let largest = usize::try_from(BOUND - overhead().await).expect("16 MiB fit");
    Limits::default().max_payload_bytes(largest).promise(&Capability::ALL)
}

/// What a record takes from the bound beside its payload.
async fn overhead() -> u64 {
    let store = MemoryStore::new();
    let key = StoreKey::from_hash([0; 32]);
    let _created = store.create(&key, &Record::new("", Timestamp::NEVER)).await.expect("there is room");
    store.usage().bytes
}

suite!(harness().await);

mod without_waiting {
    use super::*;

    suite!(immediately().await);

    #[test]
    fn a_memory_store_answers_without_waiting_and_a_store_around_it_does_not() {
        let memory = || Arc::new(MemoryStore::new());
        let migrating = MigratingStore::write_through(memory(), memory());
        let tiered = CachedStore::new(memory(), memory());
        assert!(memory().capabilities().immediate.is_some());
        assert!(migrating.capabilities().immediate.is_none() && tiered.capabilities().immediate.is_none());
    }
}
