//! Which ids were given and served.

use std::collections::HashSet;

use super::{Clocks, Rule, Violation, violation};
use crate::history::{Action, Op};

/// How long after its grace an old id may still be served: the request may have begun before.
const SLACK: u64 = 1_000_000;

/// Ids that two operations of the whole history gave.
pub(super) fn given_twice(history: &[Op]) -> Vec<Violation> {
    let mut given = HashSet::new();
    let twice = history.iter().filter(|op| op.gave().is_some_and(|id| !given.insert(id)));
    twice.map(|op| violation(Rule::IdGivenTwice, op)).collect()
}

/// Operations that found the session under an id that had been replaced for good before they were asked for.
pub(super) fn check(ops: &[&Op], clocks: Clocks) -> Vec<Violation> {
    let grace = u64::try_from(clocks.lifetimes().grace.as_micros()).unwrap_or(u64::MAX);
    let grace = grace.saturating_add(SLACK + clocks.apart);
    let is_revived = |op: &Op| {
        let Some(giver) = ops.iter().find(|other| op.id.is_some() && other.gave() == op.id) else {
            return false;
        };
        ops.iter().any(|other| {
            let is_over = match other.action {
                Action::LogIn => other.precedes(op),
                Action::Renew => other.done + grace < op.asked,
                _ => false,
            };
            is_over && other.gave().is_some() && giver.precedes(other)
        })
    };
    let revived = ops.iter().filter(|op| op.met_the_session() && is_revived(op));
    revived.map(|op| violation(Rule::RevivedId, op)).collect()
}
