//! The store keeps the contract: in a file that several handles use, with one connection more or less, and in memory.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::num::NonZeroUsize;

use cloakroom_conformance::{Capability, Limits, ManualHarness, suite};
use cloakroom_sqlite::rusqlite::Connection;
use cloakroom_sqlite::{Builder, SqliteStore};
use cloakroom_store::{ManualClock, Timestamp};

const LARGEST: usize = 1 << 20;

fn limits() -> Limits {
    Limits::default().max_payload_bytes(LARGEST).promise(&Capability::ALL)
}

async fn open(builder: Builder, clock: &ManualClock) -> SqliteStore {
    builder.clock(clock.clone()).max_payload_bytes(LARGEST).build().await.unwrap()
}

mod in_a_file {
    use super::*;

    async fn harness() -> ManualHarness {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::now());
        let file = SqliteStore::builder(folder.path().join("sessions.db"));
        let (store, other) = (open(file.clone(), &clock).await, open(file, &clock).await);
        let lost = folder.path().join("lost.db");
        let unreachable = open(SqliteStore::builder(&lost), &clock).await;
        Connection::open(lost)
            .unwrap()
            .execute_batch("DROP TABLE cloakroom_records; DROP TABLE cloakroom_revocations")
            .unwrap();
        ManualHarness::with_clock(clock, store)
            .and_handle(other)
            .and_unreachable(unreachable)
            .with_limits(limits())
            .keeping(folder)
    }

    suite!(harness().await);
}

mod among_other_tables {
    use super::*;

    async fn harness() -> ManualHarness {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::now());
        let file = SqliteStore::builder(folder.path().join("sessions.db")).readers(NonZeroUsize::MIN);
        let neighbour = open(file.clone().prefix("shop_"), &clock).await;
        let store = open(file.prefix("Blog2_"), &clock).await;
        ManualHarness::with_clock(clock, store).with_limits(limits()).keeping((neighbour, folder))
    }

    suite!(harness().await);
}

mod in_memory {
    use super::*;

    async fn harness() -> ManualHarness {
        let clock = ManualClock::at(Timestamp::now());
        let store = open(SqliteStore::memory_builder(), &clock).await;
        ManualHarness::with_clock(clock, store).with_limits(limits())
    }

    suite!(harness().await);
}
