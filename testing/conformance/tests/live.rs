//! A store on a clock that tests cannot move.

use std::time::Duration;

use cloakroom_conformance::{Case, Limits, LiveHarness, Reference, Verdict, cases};
use cloakroom_store::SystemClock;

fn harness() -> LiveHarness {
    let slow = Limits::real_time().pace(Duration::from_secs(3), Duration::from_secs(2));
    LiveHarness::new(Reference::new(SystemClock)).with_limits(slow)
}

fn case(name: &str) -> &'static Case {
    cases().iter().find(|case| case.name() == name).expect("a case has this name")
}

#[tokio::test]
async fn expiry_is_tested_by_sleeping() {
    let verdict = case("a_record_is_live_until_its_expiry").run(&harness()).await.unwrap();
    assert_eq!(verdict, Verdict::Kept);
}

#[tokio::test]
async fn a_case_that_needs_a_day_is_not_applicable() {
    let verdict = case("a_revocation_is_remembered_for_24_hours").run(&harness()).await.unwrap();
    assert_eq!(verdict, Verdict::NotApplicable("the harness cannot let that much time pass"));
}
