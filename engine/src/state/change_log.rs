//! The changes of a request in order, and their result for each key.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::change::{Change, Claim};
use super::json::Node;
use super::key_index::KeyIndex;
use crate::{Error, ErrorKind, Result};

/// How many changes a request may make before it saves. The limit turns an endless loop into an error, instead of an
/// outage: all changes are replayed at every conflict.
pub(crate) const MAX_CHANGES: usize = 100_000;

/// The changes of a request in order, and their result for each key. Most requests make one change, which needs no
/// memory of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct ChangeLog {
    changes: SmallVec<[Change; 1]>,
    /// In the order in which the keys were first changed.
    edits: SmallVec<[Edit; 1]>,
    /// Finds edits when they are many.
    index: Option<Box<KeyIndex>>,
    /// How many changes of this request were stored before these, and are forgotten.
    stored: u64,
    /// How many of the changes a commit has taken along.
    sent: u32,
}

/// The result of the changes to one key.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) value: Edited,
    /// Where the key is named: in this change.
    change: u32,
    /// Where the frame of its key begins in the base, if it has one there.
    pub(super) in_base: Option<usize>,
    /// What the value was before a claim removed it, if that was its last change.
    pub(super) undo: Option<Box<Undo>>,
}

/// Brings a value back that was claimed.
#[derive(Clone, Debug)]
pub(super) struct Undo {
    pub(super) claim: Arc<Claim>,
    pub(super) before: Edited,
}

/// The value that a key has now.
#[derive(Clone, Debug)]
pub(super) enum Edited {
    Removed,
    Value(Node),
    Flash(Node),
}

/// How many edits are looked through one by one.
pub(super) const FEW: usize = 32;

impl Edited {
    pub(super) const fn node(&self) -> Option<&Node> {
        match self {
            Self::Removed => None,
            Self::Value(node) | Self::Flash(node) => Some(node),
        }
    }

    pub(super) fn text(&self) -> Option<Bytes> {
        self.node().map(Node::text)
    }
}

impl ChangeLog {
    /// Returns how many changes there are.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns whether more keys were changed than are looked through one by one.
    pub(super) fn is_long(&self) -> bool {
        self.index.is_some()
    }

    /// Refuses a change that would be one too many. Removals are never refused: each needs a value that was inserted.
    pub(super) fn check_room(&self) -> Result<()> {
        if self.changes.len() < MAX_CHANGES {
            return Ok(());
        }
        let message =
            format!("the session has more than {MAX_CHANGES} changes in one request; save in between");
        Err(Error::new(ErrorKind::TooLarge, message))
    }

    /// Returns the number that the next change has, counted from 1 since the request began.
    pub(super) fn next_number(&self) -> u64 {
        self.stored + self.changes.len() as u64 + 1
    }

    /// Returns the number of the oldest change that is not stored yet.
    pub(super) const fn oldest_number(&self) -> u64 {
        self.stored + 1
    }

    pub(super) fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.edits.iter()
    }

    pub(super) fn edit(&self, number: usize) -> Option<&Edit> {
        self.edits.get(number)
    }

    pub(super) fn edit_mut(&mut self, number: usize) -> Option<&mut Edit> {
        self.edits.get_mut(number)
    }

    /// Returns the number of the edit of `key`.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<usize> {
        match &self.index {
            None => self.edits.iter().position(|edit| self.key_of(edit).as_bytes() == key),
            Some(index) => index.find(key, |number| self.name(number)),
        }
    }

    pub(super) fn key_of(&self, edit: &Edit) -> &str {
        match self.changes.get(edit.change as usize) {
            Some(Change::At(target, ..)) => target.name(),
            Some(Change::Clear) | None => "",
        }
    }

    fn name(&self, number: usize) -> &[u8] {
        self.edits.get(number).map_or(b"", |edit| self.key_of(edit).as_bytes())
    }

    /// Adds a change that hides all before it.
    pub(super) fn clear(&mut self, change: Change) {
        self.edits = SmallVec::new();
        self.index = None;
        self.changes.push(change);
    }

    /// Notes that a commit takes all changes along.
    #[inline]
    pub(super) fn note_sent(&mut self) {
        // Far fewer than 2^32 fit: see `MAX_CHANGES`.
        self.sent = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
    }

    /// Returns whether there are changes that no commit has taken along.
    pub(super) fn has_unsent(&self) -> bool {
        self.changes.len() > self.sent as usize
    }

    /// Adds a change without an effect, or one that its edit contains already.
    pub(super) fn note(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Adds a change to a key that has the edit `number`.
    pub(super) fn edit_again(&mut self, number: usize, change: Change, value: Edited) {
        if let Some(edit) = self.edits.get_mut(number) {
            edit.value = value;
            edit.undo = None;
        }
        self.changes.push(change);
    }

    /// Adds the first change to a key.
    pub(super) fn edit_first(&mut self, change: Change, value: Edited, in_base: Option<usize>) {
        // Far fewer than 2^32 fit: see `MAX_CHANGES`.
        let number = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
        self.changes.push(change);
        self.edits.push(Edit { value, change: number, in_base, undo: None });
        if self.edits.len() > FEW {
            self.index_last();
        }
    }

    #[cold]
    fn index_last(&mut self) {
        let mut index = self.index.take();
        match &mut index {
            Some(index) => index.add(self.edits.len() - 1, |number| self.name(number)),
            None => {
                let all = index.insert(Box::default());
                (0..self.edits.len()).for_each(|number| all.add(number, |number| self.name(number)));
            }
        }
        self.index = index;
    }

    /// Hands the changes out and begins anew; `stored` of them are in the store.
    pub(super) fn restart(&mut self, stored: usize) -> SmallVec<[Change; 1]> {
        let stored = self.stored + stored.min(self.changes.len()) as u64;
        std::mem::replace(self, Self { stored, ..Self::default() }).changes
    }
}
