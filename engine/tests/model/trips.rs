//! You pay for what you touch: how often a single request asks the store.

use proptest::prelude::*;

use crate::explore::runtime;
use crate::random::script;
use crate::script::{Case, Rules, Script, Step::*};
use crate::world::{Choices, World};

/// Takes the only choice that a single request leaves.
#[derive(Debug)]
struct First;

impl Choices for First {
    fn choose(&mut self, _: usize) -> usize {
        0
    }
}

/// How many trips the last of these requests takes.
fn trips(rules: Rules, before: &[Script]) -> usize {
    let case = Case { rules, before: before.to_vec(), ..Case::default() };
    let world = runtime().block_on(World::run(&case, &mut First)).expect("no promise is broken");
    world.trips(before.len())
}

fn after_one(script: Script) -> usize {
    trips(Rules::default(), &[vec![Increment, Push], script])
}

#[test]
fn a_request_that_does_not_ask_for_its_session_costs_nothing() {
    assert_eq!(after_one(vec![]), 0);
}

#[test]
fn a_request_without_a_cookie_costs_nothing_until_it_writes() {
    assert_eq!(trips(Rules::default(), &[vec![ReadAll]]), 0);
    assert_eq!(trips(Rules::default(), &[vec![Increment, Push, Insert("a")]]), 1);
    assert_eq!(trips(Rules::default(), &[vec![LogIn("alice"), Increment]]), 1);
}

#[test]
fn a_read_costs_one_trip_and_a_write_two() {
    assert_eq!(after_one(vec![ReadAll, Read("n")]), 1);
    assert_eq!(after_one(vec![Increment, Push, Take("n"), Clear, Insert("a")]), 2);
}

#[test]
fn a_log_in_a_renewal_and_a_new_start_cost_two_trips_after_the_read() {
    assert_eq!(after_one(vec![LogIn("alice"), Increment]), 3);
    assert_eq!(after_one(vec![RenewId, Increment]), 3);
    assert_eq!(after_one(vec![Reset]), 3);
    assert_eq!(after_one(vec![LogOut, Flash]), 3);
}

#[test]
fn a_log_out_costs_one_trip_after_the_read() {
    assert_eq!(after_one(vec![LogOut]), 2);
    assert_eq!(after_one(vec![Increment, LogOut]), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a handler does: one trip to look, two to write, as long as it leaves the saving to its response.
    #[test]
    fn no_request_takes_more_than_three_trips(before in script(4), last in script(8)) {
        let is_plain = |step: &_| !matches!(step, Save | SaveBehind | Reload | RevokeAll(_) | RevokeOthers);
        let last: Script = last.into_iter().filter(is_plain).collect();
        prop_assert!(trips(Rules::default(), &[before, last]) <= 3);
    }
}
