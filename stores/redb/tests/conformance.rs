//! The store keeps the contract: in a file, and in memory.
#![expect(clippy::unwrap_used, reason = "a test")]

use cloakroom_conformance::{Capability, Limits, ManualHarness, suite};
use cloakroom_redb::{Builder, Durability, RedbStore};
use cloakroom_store::{ManualClock, Timestamp};

const LARGEST: usize = 1 << 20;

fn limits() -> Limits {
    Limits::default().max_payload_bytes(LARGEST).promise(&Capability::ALL)
}

async fn open(builder: Builder, clock: &ManualClock) -> RedbStore {
    builder.clock(clock.clone()).max_payload_bytes(LARGEST).build().await.unwrap()
}

mod in_a_file {
    use super::*;

    async fn harness() -> ManualHarness {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::now());
        let store = open(RedbStore::builder(folder.path().join("sessions.redb")), &clock).await;
        ManualHarness::with_clock(clock, store.clone())
            .and_handle(store)
            .with_limits(limits())
            .keeping(folder)
    }

    suite!(harness().await);
}

mod in_a_file_that_is_never_flushed {
    use super::*;

    async fn harness() -> ManualHarness {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::now());
        let builder = RedbStore::builder(folder.path().join("sessions.redb")).cache_bytes(1 << 20);
        let store = open(builder.durability(Durability::Process), &clock).await;
        ManualHarness::with_clock(clock, store).with_limits(limits()).keeping(folder)
    }

    suite!(harness().await);
}

mod in_memory {
    use super::*;

    async fn harness() -> ManualHarness {
        let clock = ManualClock::at(Timestamp::now());
        let store = open(RedbStore::memory_builder(), &clock).await;
        ManualHarness::with_clock(clock, store).with_limits(limits())
    }

    suite!(harness().await);
}
