//! Compares what a read of a session returned with what was written.

use std::collections::{HashMap, HashSet};

use super::{Rule, Violation, violation};
use crate::history::{Action, Answer, Content, Op};

pub(super) fn check(ops: &[&Op]) -> Vec<Violation> {
    let looks: Vec<_> = ops.iter().filter_map(|op| seen(op).map(|content| (*op, content))).collect();
    let written: HashMap<u32, &Op> = ops
        .iter()
        .filter_map(|op| match op.action {
            Action::Add(tag) => Some((tag, *op)),
            _ => None,
        })
        .collect();
    let by_content = looks
        .iter()
        .filter_map(|(op, content)| broken(op, content, &written).map(|rule| violation(rule, op)));
    by_content.chain(rewritten(&looks)).collect()
}

fn seen(op: &Op) -> Option<&Content> {
    match &op.answer {
        Some(Answer::Seen(content)) => Some(content),
        _ => None,
    }
}

/// The first rule that one look breaks.
fn broken(look: &Op, content: &Content, written: &HashMap<u32, &Op>) -> Option<Rule> {
    if content.session != look.session {
        return Some(Rule::Strange);
    }
    let tags: HashSet<u32> = content.tags.iter().copied().collect();
    let is_double = tags.len() != content.tags.len() || i64::try_from(tags.len()) != Ok(content.count);
    let may_be =
        |tag: &u32| written.get(tag).is_some_and(|write| may_be_in(write, look) && write.asked < look.done);
    let is_lost = |(tag, write): (&u32, &&Op)| write.is_done() && write.precedes(look) && !tags.contains(tag);
    if written.iter().any(|(tag, write)| is_lost((tag, write))) {
        Some(Rule::LostWrite)
    } else if is_double {
        Some(Rule::DoubleWrite)
    } else if !tags.iter().all(may_be) {
        Some(Rule::PhantomWrite)
    } else {
        None
    }
}

/// Returns whether a write may be there, going by its answer. One that was dropped may have been there for a while, if
/// its first answer was lost: until the session ended, which is why it was dropped.
fn may_be_in(write: &Op, look: &Op) -> bool {
    match write.answer {
        Some(Answer::Missing) => false,
        Some(Answer::Dropped) => !write.precedes(look),
        _ => true,
    }
}

/// Tags are only ever appended: what an earlier look saw is how a later one begins.
fn rewritten<'a>(looks: &'a [(&'a Op, &'a Content)]) -> impl Iterator<Item = Violation> + 'a {
    looks.iter().filter_map(move |(later, content)| {
        let changed = looks
            .iter()
            .any(|(earlier, before)| earlier.precedes(later) && !content.tags.starts_with(&before.tags));
        changed.then(|| violation(Rule::Rewritten, later))
    })
}
