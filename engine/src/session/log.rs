//! The changes of a request in order, and what they come to, key by key.

use bytes::Bytes;

use super::change::Change;
use super::few::Few;
use super::names::Names;

/// The changes of a request in order, and what they come to, key by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    changes: Few<Change>,
    /// In the order in which the keys were first changed.
    edits: Few<Edit>,
    /// Finds edits when they are many.
    names: Option<Box<Names>>,
}

/// What became of one key.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) value: Edited,
    /// Where the key is named: in this change.
    change: u32,
    /// Where the frame of its key begins in the base, if it has one there.
    pub(super) in_base: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Edited {
    Removed,
    Value(Bytes),
    Flash(Bytes),
}

/// How many edits are looked through one by one.
pub(super) const FEW: usize = 32;

impl Edited {
    pub(super) fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Removed => None,
            Self::Value(value) | Self::Flash(value) => Some(value),
        }
    }
}

impl Log {
    /// How many changes there are.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether more keys were changed than are looked through one by one.
    pub(super) fn is_long(&self) -> bool {
        self.names.is_some()
    }

    pub(super) fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.edits.iter()
    }

    pub(super) fn edit(&self, number: usize) -> Option<&Edit> {
        self.edits.get(number)
    }

    /// The number of the edit of `key`.
    pub(super) fn find(&self, key: &[u8]) -> Option<usize> {
        match &self.names {
            None => self.edits.iter().position(|edit| self.key_of(edit).as_bytes() == key),
            Some(names) => names.find(key, |number| self.name(number)),
        }
    }

    pub(super) fn key_of(&self, edit: &Edit) -> &str {
        match self.changes.get(edit.change as usize) {
            Some(Change::At(target, _)) => &target.key,
            Some(Change::Clear) | None => "",
        }
    }

    fn name(&self, number: usize) -> &[u8] {
        self.edits.get(number).map_or(b"", |edit| self.key_of(edit).as_bytes())
    }

    /// Adds a change that hides all before it.
    pub(super) fn clear(&mut self, change: Change) {
        (self.edits, self.names) = (Few::default(), None);
        self.changes.push(change);
    }

    /// Adds a change to a key that has the edit `number`.
    pub(super) fn edit_again(&mut self, number: usize, change: Change, value: Edited) {
        if let Some(edit) = self.edits.get_mut(number) {
            edit.value = value;
        }
        self.changes.push(change);
    }

    /// Adds the first change to a key.
    pub(super) fn edit_first(&mut self, change: Change, value: Edited, in_base: Option<usize>) {
        let number = u32::try_from(self.changes.len()).expect("so many changes do not fit into memory");
        self.changes.push(change);
        self.edits.push(Edit { value, change: number, in_base });
        let mut names = self.names.take();
        match &mut names {
            Some(names) => names.add(self.edits.len() - 1, |number| self.name(number)),
            None if self.edits.len() > FEW => {
                let all = names.insert(Box::default());
                (0..self.edits.len()).for_each(|number| all.add(number, |number| self.name(number)));
            }
            None => {}
        }
        self.names = names;
    }

    /// Hands the changes out and begins anew.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Change> + use<> {
        std::mem::take(self).changes.into_iter()
    }
}
