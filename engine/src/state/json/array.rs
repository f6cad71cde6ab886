//! A JSON array, cut into items that are not parsed.

use std::collections::VecDeque;

use bytes::Bytes;

use super::node::Node;
use super::split::parts;

/// A JSON array. Its items come off the front as cheaply as off the back, because lists are used as queues.
#[derive(Clone, Debug, Default)]
pub(crate) struct Array {
    pub(super) items: VecDeque<Item>,
}

/// An item of an array.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(super) value: Node,
    /// The number of the change of this request that last touched it; 0: none did.
    pub(super) touched_by: u64,
}

impl Array {
    /// Cuts a valid JSON array into its items.
    pub(super) fn of(text: &Bytes) -> Self {
        let item = |range| Item { value: Node::Raw(text.slice(range)), touched_by: 0 };
        Self { items: parts(text).into_iter().map(item).collect() }
    }

    /// Returns the item that a name in a path means.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        Some(&self.items.get(name.parse::<usize>().ok()?)?.value)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            item.value.write(out);
        }
        out.push(b']');
    }

    /// Removes the items of `seen` from the front. Returns whether they were there; if not, nothing is removed.
    pub(super) fn remove_prefix(&mut self, seen: &Self) -> bool {
        let is_there = seen.items.len() <= self.items.len()
            && self.items.iter().zip(&seen.items).all(|(item, seen)| item.value.is_same(&seen.value));
        if is_there {
            self.items.drain(..seen.items.len());
        }
        is_there
    }

    /// Removes the items of `seen`, which are there in this order, perhaps with others in between. Returns whether they
    /// were there; if not, nothing is removed.
    pub(super) fn remove_in_order(&mut self, seen: &Self) -> bool {
        let mut wanted = seen.items.iter().peekable();
        let mut kept = VecDeque::new();
        for item in &self.items {
            if wanted.next_if(|seen| item.value.is_same(&seen.value)).is_none() {
                kept.push_back(item.clone());
            }
        }
        let is_there = wanted.peek().is_none();
        if is_there {
            self.items = kept;
        }
        is_there
    }
}
