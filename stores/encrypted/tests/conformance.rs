//! The store keeps the contract: over the contract as a program, and over a file of SQLite.
#![expect(clippy::unwrap_used, reason = "a test")]

use cloakroom_conformance::{Capability, Limits, ManualHarness, Reference, cases, suite};
use cloakroom_encrypted::{EncryptedStore, SealingKeys};
use cloakroom_sqlite::SqliteStore;
use cloakroom_store::{ManualClock, Store, Timestamp};

const LARGEST: usize = 1 << 17;

fn sealed<S: Store>(inner: S) -> EncryptedStore<S> {
    let keys = SealingKeys::new(["the quick brown fox jumps over the lazy dog"]).unwrap();
    let builder = EncryptedStore::builder(inner, keys).max_payload_bytes(LARGEST);
    builder.hide_owners("pack my box with five dozen liquor jugs, now").unwrap().build()
}

fn limits() -> Limits {
    Limits::default().max_payload_bytes(LARGEST).shown_payload_bytes(462)
}

suite!(
    ManualHarness::new(|clock| sealed(Reference::new(clock))).with_limits(limits().promise(&Capability::ALL))
);

/// The sentences in one test, without those that take long: what is inside has a suite of its own, and the wrapper's is above.
async fn keeps_every_sentence(harness: ManualHarness) {
    let mut broken = Vec::new();
    for case in cases().iter().filter(|case| !["racing", "scanning"].contains(&case.group())) {
        if let Err(failure) = case.run(&harness).await {
            broken.push(format!("{}: {failure}", case.name()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_records_in_a_file_of_sqlite_keep_every_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(Timestamp::now());
    let builder = SqliteStore::builder(folder.path().join("sessions.db")).clock(clock.clone());
    let builder = builder.durability(cloakroom_sqlite::Durability::Process);
    let (one, other) = (builder.clone().build().await.unwrap(), builder.build().await.unwrap());
    let harness = ManualHarness::with_clock(clock, sealed(one)).and_handle(sealed(other));
    keeps_every_sentence(harness.with_limits(limits().promise(&Capability::ALL)).keeping(folder)).await;
}
