//! Reads of values.

use bytes::Bytes;

use super::{ValueLocation, WorkingCopy};
use crate::record::Frame;
use crate::state::change::Target;
use crate::state::change_log::{Edit, Edited};

impl WorkingCopy {
    /// Returns the value of `key`, sharing memory with what was stored.
    #[inline]
    pub(crate) fn get(&self, key: &str) -> Option<Bytes> {
        if self.rare.is_some()
            && let Some(shown) = self.shown_now(key)
        {
            return Some(shown.clone());
        }
        match self.log.find(key.as_bytes()) {
            Some(number) => self.log.edit(number).and_then(|edit| edit.value.text()),
            None => self.stored(key),
        }
    }

    /// Returns the value of a key or at a path.
    pub(crate) fn get_at(&self, target: &Target) -> Option<Bytes> {
        let (key, path) = (target.name(), target.below());
        if path.is_empty() {
            return self.get(key);
        }
        let edit = if self.shown_now(key).is_some() { None } else { self.edit_of(key) };
        match edit {
            Some(edit) => edit.value.node()?.find(path),
            None => crate::state::json::Node::Raw(self.get(key)?).find(path),
        }
    }

    /// Returns the value that a claim can have: one that is stored or will be, not one that is only shown.
    pub(crate) fn get_stored_at(&self, target: &Target) -> Option<Bytes> {
        match self.locate(target.name()) {
            ValueLocation::Edit(number) => self.log.edit(number)?.value.node()?.find(target.below()),
            location => crate::state::json::Node::Raw(self.base_value(location)?).find(target.below()),
        }
    }

    /// Returns whether there is a value.
    pub(crate) fn contains(&self, key: &str) -> bool {
        match self.edit_of(key) {
            Some(edit) => edit.value.node().is_some() || self.shown_now(key).is_some(),
            None => self.get(key).is_some(),
        }
    }

    fn stored(&self, key: &str) -> Option<Bytes> {
        if self.cleared {
            return None;
        }
        match self.in_base(key) {
            Some(frame) => Some(self.base.share(frame.value)),
            None => self.rare.as_ref().and_then(|rare| rare.spent.get(key)).cloned(),
        }
    }

    #[inline]
    pub(super) fn in_base(&self, key: &str) -> Option<Frame<'_>> {
        match self.rare.as_ref().and_then(|rare| rare.index.as_ref()) {
            None => self.base.find(key),
            Some(index) => self.base.at(index.find(key.as_bytes(), |place| self.base.key_at(place))?),
        }
    }

    #[inline]
    pub(super) fn locate(&self, key: &str) -> ValueLocation {
        match self.log.find(key.as_bytes()) {
            Some(number) => ValueLocation::Edit(number),
            None if self.cleared => ValueLocation::Nowhere,
            None => self
                .in_base(key)
                .map_or(ValueLocation::Nowhere, |frame| ValueLocation::Base(frame.whole.start)),
        }
    }

    pub(super) fn base_value(&self, location: ValueLocation) -> Option<Bytes> {
        let ValueLocation::Base(place) = location else { return None };
        Some(self.base.share(self.base.at(place)?.value))
    }

    pub(super) fn edit_of(&self, key: &str) -> Option<&Edit> {
        self.log.edit(self.log.find(key.as_bytes())?)
    }

    fn shown_now(&self, key: &str) -> Option<&Bytes> {
        self.rare.as_ref()?.now.get(key)
    }

    /// Returns the value that is shown under `key` instead of the one at `location`.
    pub(super) fn shown_over(&self, key: &str, location: ValueLocation) -> Option<Bytes> {
        let rare = self.rare.as_ref()?;
        let is_spent = matches!(location, ValueLocation::Nowhere) && !self.cleared;
        rare.now.get(key).or_else(|| rare.spent.get(key).filter(|_| is_spent)).cloned()
    }

    /// Returns the value that is shown under `key` but neither stored nor set.
    pub(super) fn shown(&self, key: &str) -> Option<Bytes> {
        self.rare.as_ref()?;
        self.shown_over(key, self.locate(key))
    }

    /// Returns all values in the order of their first insertion, with this request's changes.
    pub(crate) fn entries(&self) -> Vec<(String, Bytes)> {
        let mut entries: Vec<(String, Bytes)> = Vec::new();
        let is_shown_now = |key: &str| self.shown_now(key).is_some();
        for frame in self.base.iter().filter(|frame| !self.cleared && frame.tag.is_value()) {
            let key = String::from_utf8_lossy(frame.key);
            let value = match self.edit_of(&key) {
                Some(edit) => edit.value.text(),
                None => Some(self.base.share(frame.value)),
            };
            entries.extend(value.filter(|_| !is_shown_now(&key)).map(|value| (key.into_owned(), value)));
        }
        for edit in self.log.edits().filter(|edit| edit.in_base.is_none()) {
            let key = self.log.key_of(edit);
            let value = edit.value.text().filter(|_| !is_shown_now(key));
            entries.extend(value.map(|value| (key.to_owned(), value)));
        }
        let Some(rare) = &self.rare else { return entries };
        for (key, value) in rare.spent.in_order() {
            let is_hidden = self.cleared || is_shown_now(key) || self.edit_of(key).is_some();
            if !is_hidden && self.in_base(key).is_none() {
                entries.push((key.to_owned(), value.clone()));
            }
        }
        entries.extend(rare.now.in_order().into_iter().map(|(key, value)| (key.to_owned(), value.clone())));
        entries
    }

    /// Returns whether this request changed a value.
    pub(crate) fn is_changed(&self) -> bool {
        !self.log.is_empty()
    }

    /// Returns whether flash values had their request and must go.
    pub(crate) fn ages(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.aging.is_some())
    }

    /// Returns whether there is a value that this request inserted.
    pub(crate) fn holds_new_values(&self) -> bool {
        self.log.edits().any(|edit| !matches!(edit.value, Edited::Removed))
    }

    pub(crate) fn has_new_device(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.device.is_some())
    }

    /// Notes that a commit takes all changes along, and returns how many they are.
    #[inline]
    pub(crate) fn send(&mut self) -> usize {
        self.log.note_sent();
        self.log.len()
    }

    /// Returns how many changes there are.
    pub(crate) fn len(&self) -> usize {
        self.log.len()
    }

    /// Returns the largest values' keys and their sizes in bytes, for an error.
    pub(crate) fn largest(&self) -> String {
        let mut sizes: Vec<(usize, String)> =
            self.entries().into_iter().map(|(key, value)| (value.len(), key)).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let named: Vec<String> =
            sizes.iter().take(3).map(|(size, key)| format!("{key:?} with {size} bytes")).collect();
        named.join(", ")
    }
}
