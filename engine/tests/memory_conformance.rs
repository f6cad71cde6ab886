//! The memory store keeps the contract, every sentence of it.
#![cfg(not(shuttle))]

use cloakroom::stores::MemoryStore;
use cloakroom_conformance::{Ability, Limits, ManualHarness, suite};
use cloakroom_store::{Record, Store, StoreKey, Timestamp};

const BOUND: u64 = 16 << 20;

async fn harness() -> ManualHarness {
    let largest = usize::try_from(BOUND - overhead().await).expect("16 MiB fit");
    let limits = Limits::default().largest_payload(largest).promise(&Ability::ALL);
    ManualHarness::new(|clock| MemoryStore::builder().max_bytes(BOUND).clock(clock).build())
        .with_limits(limits)
}

/// What a record takes from the bound beside its payload.
async fn overhead() -> u64 {
    let store = MemoryStore::new();
    let key = StoreKey::from_hash([0; 32]);
    let _created = store.create(&key, &Record::new("", Timestamp::NEVER)).await.expect("there is room");
    store.usage().bytes
}

suite!(harness().await);
