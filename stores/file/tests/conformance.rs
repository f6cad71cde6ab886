//! The file store keeps the contract.
#![expect(clippy::unwrap_used, reason = "what helps a test may fail it")]

use cloakroom_conformance::{Capability, Limits, ManualHarness, suite};
use cloakroom_file::{FileStore, FileStoreBuilder};
use cloakroom_store::{ManualClock, Timestamp};

async fn harness() -> ManualHarness {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(Timestamp::now());
    let builder =
        |name| -> FileStoreBuilder { FileStore::builder(folder.path().join(name)).clock(clock.clone()) };
    let store = builder("here").build().await.unwrap();
    let other = builder("here").build().await.unwrap();
    let unreachable = builder("gone").build().await.unwrap();
    std::fs::remove_dir_all(folder.path().join("gone")).unwrap();
    ManualHarness::with_clock(clock, store)
        .and_handle(other)
        .and_unreachable(unreachable)
        .with_limits(
            Limits::default().max_payload_bytes(FileStore::MAX_PAYLOAD_BYTES).promise(&Capability::ALL),
        )
        .keeping(folder)
}

suite!(harness().await);
