//! The reference store passes the suite.

use cloakroom_conformance::{Ability, Limits, ManualHarness, Reference, suite};
use cloakroom_store::ErrorKind;

fn harness() -> ManualHarness {
    let harness = ManualHarness::new(Reference::new);
    let clock = harness.clock();
    let store = Reference::new(clock.clone());
    let unreachable = Reference::new(clock.clone());
    unreachable.fail_with(Some(ErrorKind::Unavailable));
    ManualHarness::with_clock(clock, store.clone())
        .and_handle(store)
        .and_unreachable(unreachable)
        .with_limits(Limits::default().promise(&Ability::ALL))
}

suite!(harness());
