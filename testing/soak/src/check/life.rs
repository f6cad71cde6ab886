//! When a session was there, against when it must and must not have been.

use super::{Clocks, Rule, Violation, violation};
use crate::history::{Action, Answer, Op};

/// What the clocks of two processes, and a read of each, may differ by.
const SLACK: u64 = 500_000;

/// Which part of the idle time may have passed since a session was last touched although it was looked at just now.
const UNTOUCHED_PART: u64 = 10;

pub(super) fn check(ops: &[&Op], clocks: Clocks) -> Vec<Violation> {
    let life = Life { ops, clocks };
    let end = life.end();
    let gone = life.gone();
    ops.iter()
        .filter_map(|op| {
            let rule = if op.met_the_session() {
                let after = |moment: Option<u64>| moment.is_some_and(|moment| moment < op.asked);
                if after(end) || after(gone) {
                    Rule::Resurrected
                } else if life.cannot_live_at(op) {
                    Rule::Overdue
                } else {
                    return None;
                }
            } else if life.is_without_reason(op) {
                Rule::LostSession
            } else {
                return None;
            };
            Some(violation(rule, op))
        })
        .collect()
}

/// The operations on one session.
struct Life<'a> {
    ops: &'a [&'a Op],
    clocks: Clocks,
}

impl Life<'_> {
    const fn slack(&self) -> u64 {
        SLACK + self.clocks.apart
    }

    /// From when on it is known to have ended: a log-out is done, or its user was logged in and then was revoked.
    fn end(&self) -> Option<u64> {
        let ends = self.ops.iter().filter(|op| match op.action {
            Action::LogOut => op.is_done(),
            Action::Revoke => op.is_done() && self.ends_by(op),
            _ => false,
        });
        ends.map(|op| op.done).min()
    }

    /// Returns whether this revocation ends the session: its user was logged in before, and was not logging in anew
    /// meanwhile. Where clocks differ, they decide what was before.
    fn ends_by(&self, revoke: &Op) -> bool {
        if self.clocks.differ() {
            return false;
        }
        let mut log_ins = self
            .ops
            .iter()
            .filter(|op| op.action == Action::LogIn && !op.is_void() && op.asked < revoke.done)
            .peekable();
        log_ins.peek().is_some() && log_ins.all(|op| op.is_done() && op.precedes(revoke))
    }

    /// From when on it is known to be gone: a request did not find it under the id that was its only one.
    fn gone(&self) -> Option<u64> {
        let refused = self.ops.iter().filter(|op| is_refused(op) && self.has_the_present_id(op));
        refused.filter(|op| !self.may_be_touched_yet(op)).map(|op| op.done).min()
    }

    /// Returns whether the session may have run out when this operation did not find it, while another operation was
    /// under way that had come in time: its touch, which goes by the moment at which it was sent, then begins the idle
    /// time anew.
    fn may_be_touched_yet(&self, refused: &Op) -> bool {
        let is_under_way = |other: &&&Op| other.asked < refused.done && refused.asked < other.done;
        refused.done >= self.lives_until(refused)
            && self.ops.iter().filter(|other| ***other != *refused).any(|other| is_under_way(&other))
    }

    /// Returns whether the session was refused to this operation although it must have been there.
    fn is_without_reason(&self, op: &Op) -> bool {
        let may_have_ended = |other: &&&Op| {
            matches!(other.action, Action::LogOut | Action::Revoke)
                && !other.is_void()
                && other.asked < op.done
        };
        is_refused(op)
            && self.has_the_present_id(op)
            && !self.ops.iter().any(|other| may_have_ended(&other))
            && op.done < self.lives_until(op)
    }

    /// Returns whether the id that was presented is certainly the session's only one while the operation lasts: every
    /// renewal and log-in is known to be done before the one that gave this id, and that before the operation.
    fn has_the_present_id(&self, op: &Op) -> bool {
        let gives = |other: &&&Op| matches!(other.action, Action::Create | Action::Renew | Action::LogIn);
        let Some(giver) = self.ops.iter().find(|other| op.id.is_some() && other.gave() == op.id) else {
            return false;
        };
        giver.precedes(op)
            && self
                .ops
                .iter()
                .filter(gives)
                .filter(|other| !other.is_void() && other.asked < op.done && ***other != **giver)
                .filter(|other| ***other != *op)
                .all(|other| other.is_done() && other.precedes(giver))
    }

    /// Until when the session certainly lives, if nothing ends it, by what happened before `op`.
    fn lives_until(&self, op: &Op) -> u64 {
        let met = self.ops.iter().filter(|other| other.met_the_session() && other.precedes(op));
        let idle = micros(self.clocks.lifetimes().idle);
        let touched = met.map(|other| other.asked + idle - idle / UNTOUCHED_PART).max().unwrap_or(0);
        let begun = self.ops.iter().filter(|other| other.action == Action::Create).map(|other| other.asked);
        let absolute = begun.min().unwrap_or(0) + micros(self.clocks.lifetimes().absolute);
        touched.min(absolute).saturating_sub(self.slack())
    }

    /// Returns whether the session's time was over before `op` was asked for, whatever happened before.
    fn cannot_live_at(&self, op: &Op) -> bool {
        if op.action == Action::Create {
            return false;
        }
        let before = || self.ops.iter().filter(|other| other.asked < op.asked && !other.is_void());
        let last =
            |of: &dyn Fn(&Op) -> bool| before().filter(|other| of(other)).map(|other| other.done).max();
        let touched = last(&|_| true);
        let begun = last(&|other| matches!(other.action, Action::Create | Action::LogIn));
        let lifetimes = self.clocks.lifetimes();
        let over = |since: Option<u64>, lifetime| {
            since.is_some_and(|since| since + micros(lifetime) + self.slack() < op.asked)
        };
        over(touched, lifetimes.idle) || over(begun, lifetimes.absolute)
    }
}

/// Returns whether the session was not there for this operation. For a log-out it may have become another meanwhile,
/// and a log-in that a revocation overtook is dropped without the session.
fn is_refused(op: &Op) -> bool {
    match op.action {
        Action::LogOut => false,
        Action::LogIn => op.answer == Some(Answer::Missing),
        _ => matches!(op.answer, Some(Answer::Missing | Answer::Dropped)),
    }
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
