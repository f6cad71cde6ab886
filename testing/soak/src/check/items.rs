//! Items that are written once and taken: none may be lost, and none may be there after it was taken.

use std::collections::{BTreeMap, HashSet};

use super::{Rule, Violation, violation};
use crate::history::{Action, Answer, Content, Op};

/// Where items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pool {
    /// A list that requests push to and take as a whole. Two takes at once both get it.
    Queue,
    /// One value that is set, and taken.
    Slot,
    /// Values of which each is claimed.
    Tickets,
    /// A list that is edited by index.
    List,
}

const POOLS: [Pool; 4] = [Pool::Queue, Pool::Slot, Pool::Tickets, Pool::List];

impl Pool {
    /// The item that an action writes here.
    fn written_by(self, action: Action) -> Option<u32> {
        match (self, action) {
            (Self::Queue, Action::Put(item))
            | (Self::Slot, Action::Fill(item))
            | (Self::Tickets, Action::Issue(item))
            | (Self::List, Action::Append(item) | Action::Replace(item)) => Some(item),
            _ => None,
        }
    }

    /// Returns whether an action takes items from here.
    fn is_taken_by(self, action: Action) -> bool {
        match self {
            Self::Queue => action == Action::TakeQueue,
            Self::Slot => action == Action::TakeSlot,
            Self::Tickets => matches!(action, Action::Claim(_)),
            Self::List => matches!(action, Action::Remove | Action::Replace(_)),
        }
    }

    fn of(self, content: &Content) -> &[u32] {
        match self {
            Self::Queue => &content.queue,
            Self::Slot => &content.slot,
            Self::Tickets => &content.tickets,
            Self::List => &content.list,
        }
    }

    /// What an operation saw here.
    fn seen_by(self, op: &Op) -> Option<Look<'_>> {
        match &op.answer {
            Some(Answer::Seen(content)) => Some(Look { op, items: self.of(content), is_whole: true }),
            Some(Answer::Got(items)) if self.is_taken_by(op.action) => {
                Some(Look { op, items, is_whole: matches!(self, Self::Queue | Self::Slot) })
            }
            _ => None,
        }
    }
}

/// What an operation saw of a pool.
struct Look<'a> {
    op: &'a Op,
    items: &'a [u32],
    /// Whether what it did not see was not there.
    is_whole: bool,
}

impl Look<'_> {
    /// Returns whether it saw that this item is not there.
    fn misses(&self, item: u32) -> bool {
        (self.is_whole || self.op.action == Action::Claim(item)) && !self.items.contains(&item)
    }
}

pub(super) fn check(ops: &[&Op]) -> Vec<Violation> {
    POOLS.into_iter().flat_map(|pool| Items::of(pool, ops).check()).collect()
}

/// What happened to the items of one pool.
struct Items<'a> {
    pool: Pool,
    writes: BTreeMap<u32, &'a Op>,
    takes: Vec<&'a Op>,
    looks: Vec<Look<'a>>,
}

impl<'a> Items<'a> {
    fn of(pool: Pool, ops: &[&'a Op]) -> Self {
        let write = |op: &&'a Op| Some((pool.written_by(op.action)?, *op));
        Self {
            pool,
            writes: ops.iter().filter_map(write).collect(),
            takes: ops.iter().copied().filter(|op| pool.is_taken_by(op.action) && !is_void(op)).collect(),
            looks: ops.iter().filter_map(|op| pool.seen_by(op)).collect(),
        }
    }

    fn check(&self) -> Vec<Violation> {
        let by_look = self.looks.iter().filter_map(|look| Some(violation(self.broken(look)?, look.op)));
        by_look.chain(self.claimed_twice()).collect()
    }

    /// The first rule that one look breaks.
    fn broken(&self, look: &Look<'_>) -> Option<Rule> {
        let is_lost = |(item, write): (&u32, &&Op)| {
            write.is_done()
                && write.precedes(look.op)
                && look.misses(*item)
                && !self.may_be_gone(*item, write, look)
        };
        let may_be = |item: &u32| self.writes.get(item).is_some_and(|write| may_be_seen(write, look.op));
        let different: HashSet<_> = look.items.iter().collect();
        if self.writes.iter().any(is_lost) {
            Some(Rule::LostWrite)
        } else if different.len() != look.items.len() {
            Some(Rule::DoubleWrite)
        } else if !look.items.iter().all(may_be) {
            Some(Rule::PhantomWrite)
        } else if look.items.iter().any(|item| self.was_taken(*item, look.op)) {
            Some(Rule::TakenAndThere)
        } else {
            None
        }
    }

    /// Returns whether something may have removed an item before a look did not see it.
    fn may_be_gone(&self, item: u32, write: &Op, look: &Look<'_>) -> bool {
        let removes = |take: &&&Op| match take.got() {
            Some(items) => items.contains(&item) || self.may_hit_another(take),
            None => !matches!(take.action, Action::Claim(other) if other != item),
        };
        let mut before = self.takes.iter().filter(|take| take.asked < look.op.done && **take != look.op);
        before.any(|take| removes(&take)) || (self.pool == Pool::Slot && self.may_be_replaced(write, look.op))
    }

    /// Returns whether another value was set at the same time as this one, or later.
    fn may_be_replaced(&self, write: &Op, look: &Op) -> bool {
        let mut others = self.writes.values().filter(|other| **other != write && !is_void(other));
        others.any(|other| other.asked < look.done && (other.is_uncertain() || !other.precedes(write)))
    }

    /// Returns whether a replacement may have hit another item than the one that it saw: it is set at its index if that
    /// one was edited meanwhile.
    fn may_hit_another(&self, take: &Op) -> bool {
        matches!(take.action, Action::Replace(_))
            && self.takes.iter().any(|other| *other != take && other.overlaps(take))
    }

    /// Returns whether an item was certainly removed before `look`. A take of the queue removes nothing if another take
    /// has removed a part of what it saw: what it saw besides is taken once more.
    fn was_taken(&self, item: u32, look: &Op) -> bool {
        self.takes.iter().any(|take| {
            let is_alone = || self.takes.iter().all(|other| other == take || !other.overlaps(take));
            take.got().is_some_and(|items| items.contains(&item))
                && take.precedes(look)
                && (self.pool != Pool::Queue || is_alone())
        })
    }

    /// Claims of an item that another got too.
    fn claimed_twice(&self) -> impl Iterator<Item = Violation> {
        let mut claimed = HashSet::new();
        let claims = self.takes.iter().filter(|_| self.pool == Pool::Tickets);
        claims
            .filter(move |claim| {
                claim.got().is_some_and(|items| items.iter().any(|item| !claimed.insert(*item)))
            })
            .map(|claim| violation(Rule::ClaimedTwice, claim))
    }
}

/// Returns whether an operation changed nothing. One that was dropped may have, until the session ended.
fn is_void(op: &Op) -> bool {
    op.answer == Some(Answer::Missing)
}

/// Returns whether a look may see what a write wrote, going by its answer and its time.
fn may_be_seen(write: &Op, look: &Op) -> bool {
    let is_refused = match write.answer {
        Some(Answer::Missing) => true,
        Some(Answer::Dropped) => write.precedes(look),
        _ => false,
    };
    !is_refused && write.asked < look.done
}
