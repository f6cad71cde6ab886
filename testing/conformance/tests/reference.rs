//! The reference store passes the suite, and no case is skipped on it.

use cloakroom_conformance::{Capability, Limits, ManualHarness, Reference, Verdict, cases, suite};
use cloakroom_store::{ErrorKind, ManualClock, Timestamp};

const LARGEST: usize = 1 << 20;

fn harness() -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let store = Reference::new(clock.clone()).with_max_payload_bytes(LARGEST);
    let unreachable = Reference::new(clock.clone());
    unreachable.fail_with(Some(ErrorKind::Unavailable));
    ManualHarness::with_clock(clock, store.clone())
        .and_handle(store)
        .and_unreachable(unreachable)
        .with_limits(Limits::default().max_payload_bytes(LARGEST).promise(&Capability::ALL))
}

suite!(harness());

/// As a command-line tool runs them: one after the other, on one store.
#[tokio::test]
async fn every_case_is_kept_on_one_store_that_all_cases_share() {
    let harness = harness();
    for case in cases() {
        assert_eq!(case.run(&harness).await.unwrap(), Verdict::Kept, "{}", case.name());
    }
}

/// A program may run cases on any thread of its runtime.
#[tokio::test]
async fn a_running_case_can_be_sent_to_another_thread() {
    let run = async { cases()[0].run(&harness()).await.map(drop) };
    tokio::spawn(run).await.unwrap().unwrap();
}

#[tokio::test]
async fn among_records_of_others_no_case_touches_them() {
    use cloakroom_store::{Record, Store, StoreKey};
    let clock = ManualClock::at(Timestamp::now());
    let store = Reference::new(clock.clone());
    let key = StoreKey::from_bytes(b"x").unwrap();
    let record = Record::new("another's", Timestamp::NEVER);
    let _created = store.create(&key, &record).await.unwrap();
    let before = store.load(&key, None).await.unwrap();
    let harness =
        ManualHarness::with_clock(clock, store.clone()).with_limits(Limits::default().among_others());
    for case in cases() {
        case.run(&harness).await.unwrap();
    }
    assert_eq!(store.load(&key, None).await.unwrap(), before);
    store.reach_inside(|inside| assert_eq!(inside.records.len(), 1, "the suite left records behind"));
}
