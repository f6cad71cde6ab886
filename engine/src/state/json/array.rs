//! A JSON array, cut into items that are not parsed.

use std::collections::VecDeque;

use bytes::Bytes;
use foldhash::quality::RandomState;
use hashbrown::HashMap;

use super::node::Node;
use super::split::parts;

/// A JSON array. Its items come off the front as cheaply as off the back, because lists are used as queues.
#[derive(Clone, Debug, Default)]
pub(crate) struct Array {
    pub(super) items: VecDeque<Item>,
    /// How many items were looked at in vain.
    misses: usize,
    /// How often each text is there among the items that no change touched, once many were looked for in vain.
    counts: Option<Box<HashMap<Bytes, usize, RandomState>>>,
}

/// An item of an array.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(super) value: Node,
    /// The number of the change of this request that last touched it; 0: none did.
    pub(super) touched_by: u64,
}

impl Item {
    fn untouched_text(&self) -> Option<Bytes> {
        match &self.value {
            Node::Raw(_) if self.touched_by == 0 => Some(self.value.text()),
            _ => None,
        }
    }
}

impl Array {
    /// Cuts a valid JSON array into its items.
    pub(super) fn of(text: &Bytes) -> Self {
        let item = |range| Item { value: Node::Raw(text.slice(range)), touched_by: 0 };
        Self { items: parts(text).into_iter().map(item).collect(), ..Self::default() }
    }

    /// Returns the item that a name in a path means.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        Some(&self.items.get(name.parse::<usize>().ok()?)?.value)
    }

    /// Finds the item that no change touched and that has this text, as near to `place` as there is one.
    pub(super) fn find_text(&mut self, text: &Bytes, place: usize) -> Option<usize> {
        let text = text.trim_ascii();
        if self.counts.as_ref().is_some_and(|counts| counts.get(text).is_none_or(|count| *count == 0)) {
            return None;
        }
        let found = self.find_near(place, |item| item.untouched_text().is_some_and(|other| *other == *text));
        if found.is_none() {
            self.misses += self.items.len();
            if self.counts.is_none() && self.misses > 4 * self.items.len() {
                self.count();
            }
        }
        found
    }

    /// Finds the item that the change `number` touched.
    pub(super) fn find_touched(&self, number: u64, place: usize) -> Option<usize> {
        self.find_near(place, |item| item.touched_by == number)
    }

    fn find_near(&self, place: usize, is_it: impl Fn(&Item) -> bool) -> Option<usize> {
        let is_there = |at: &usize| {
            #[cfg(test)]
            super::work::add(1);
            self.items.get(*at).is_some_and(&is_it)
        };
        let farthest = place.max(self.items.len().saturating_sub(place));
        (0..=farthest).find_map(|distance| {
            let before = place.checked_sub(distance).filter(is_there);
            before
                .or_else(|| place.checked_add(distance).filter(|at| *at < self.items.len()).filter(is_there))
        })
    }

    fn count(&mut self) {
        let mut counts = HashMap::default();
        for text in self.items.iter().filter_map(Item::untouched_text) {
            *counts.entry(text).or_insert(0) += 1;
        }
        self.counts = Some(Box::new(counts));
    }

    /// Notes that a change touched or removed an item that had this text.
    pub(super) fn forget(&mut self, text: Option<&Bytes>) {
        if let (Some(counts), Some(text)) = (&mut self.counts, text)
            && let Some(count) = counts.get_mut(text)
        {
            *count = count.saturating_sub(1);
        }
    }

    /// Returns the text of an item that no change touched, if it will be needed.
    pub(super) fn counted_text(&self, place: usize) -> Option<Bytes> {
        self.counts.as_ref()?;
        self.items.get(place)?.untouched_text()
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
            self.counts = None;
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
            self.counts = None;
            self.items = kept;
        }
        is_there
    }
}
