//! Flash values, and when they are removed.

use bytes::Bytes;
use foldhash::quality::RandomState;
use hashbrown::{HashMap, HashSet};

/// Flash values that this request shows for the last time.
#[derive(Clone, Debug)]
pub(crate) struct Aging {
    /// Values born under this commit or an earlier one had their request.
    up_to: u64,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    Some(HashSet<Box<str>, RandomState>),
    All,
}

impl Aging {
    pub(super) fn new(up_to: u64) -> Self {
        Self { up_to, kept: Kept::Some(HashSet::default()) }
    }

    /// Leaves values that were born later to the next request.
    pub(super) fn only_up_to(&mut self, number: u64) {
        self.up_to = self.up_to.min(number);
    }

    pub(super) const fn is_due(&self, born: u64) -> bool {
        born <= self.up_to
    }

    /// Keeps the values `keys` for one more request.
    pub(super) fn keep(&mut self, keys: Vec<Box<str>>) {
        if let Kept::Some(kept) = &mut self.kept {
            kept.extend(keys);
        }
    }

    /// Keeps all values for one more request.
    pub(super) fn keep_all(&mut self) {
        self.kept = Kept::All;
    }

    pub(super) fn keeps(&self, key: &str) -> bool {
        match &self.kept {
            Kept::All => true,
            Kept::Some(keys) => keys.contains(key),
        }
    }
}

/// Values by key that this request shows and nothing stores, in the order in which they were set.
#[derive(Clone, Debug, Default)]
pub(super) struct ShownValues {
    values: HashMap<Box<str>, (u64, Bytes), RandomState>,
    /// How many were ever set: the next one's place in the order.
    count: u64,
}

impl ShownValues {
    pub(super) fn set(&mut self, key: &str, value: Bytes) {
        self.values.insert(key.into(), (self.count, value));
        self.count += 1;
    }

    pub(super) fn get(&self, key: &str) -> Option<&Bytes> {
        self.values.get(key).map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.values.remove(key);
    }

    pub(super) fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        self.values.retain(|key, _| stays(key));
    }

    pub(super) fn in_order(&self) -> Vec<(&str, &Bytes)> {
        let mut all: Vec<_> =
            self.values.iter().map(|(key, (place, value))| (*place, &**key, value)).collect();
        all.sort_unstable_by_key(|(place, ..)| *place);
        all.into_iter().map(|(_, key, value)| (key, value)).collect()
    }
}
