//! The values of a session as this request sees them: what was stored, and the changes made since.

use bytes::Bytes;

use super::change::{Change, Effect, Op, Target};
use super::flash::Aging;
use crate::Result;
use crate::record::{Frame, Frames, Header, Tag, begin_session, write_frame};

/// Stored values and the changes made to them.
///
/// Changes are kept in order, so that they can be carried out again on values that another request has stored
/// meanwhile; `edits` is what they come to on the present base.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    base: Frames,
    changes: Vec<Change>,
    edits: Vec<Edit>,
    /// Whether the base is hidden by a `clear`.
    cleared: bool,
    aging: Option<Aging>,
    /// Flash values for this request only.
    now: Vec<(Box<str>, Bytes)>,
    /// Flash values whose request this is, and which a commit has removed from the store already.
    spent: Vec<(Box<str>, Bytes)>,
    device: Option<Box<str>>,
}

/// What became of one key.
#[derive(Debug)]
struct Edit {
    /// The change whose target names the key.
    change: usize,
    value: Edited,
    in_base: bool,
}

#[derive(Clone, Debug)]
enum Edited {
    Removed,
    Value(Bytes),
    Flash(Bytes),
}

impl Edited {
    fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Removed => None,
            Self::Value(value) | Self::Flash(value) => Some(value),
        }
    }
}

impl Draft {
    /// The values of a session that was just loaded at commit `number`: its flash values have their request now.
    pub(crate) fn loaded(base: Frames, number: u64) -> Self {
        let flash = base.iter().any(|frame| matches!(frame.tag, Tag::Flash { .. }));
        let aging = flash.then(|| Aging::new(number));
        Self { base, aging, ..Self::default() }
    }

    /// The value of `key`, sharing memory with what was stored.
    pub(super) fn get(&self, key: &str) -> Option<Bytes> {
        if let Some((_, value)) = self.now.iter().rev().find(|(name, _)| **name == *key) {
            return Some(value.clone());
        }
        match self.edit(key) {
            Some(edit) => edit.value.bytes().cloned(),
            None => self.stored(key),
        }
    }

    fn stored(&self, key: &str) -> Option<Bytes> {
        if self.cleared {
            return None;
        }
        let spent = || self.spent.iter().find(|(name, _)| **name == *key).map(|(_, value)| value.clone());
        self.base.find(key).map(|frame| self.base.share(frame.value)).or_else(spent)
    }

    fn edit(&self, key: &str) -> Option<&Edit> {
        self.edits.iter().find(|edit| self.key_of(edit) == key)
    }

    fn key_of(&self, edit: &Edit) -> &str {
        match &self.changes[edit.change] {
            Change::At(target, _) => &target.key,
            Change::Clear => "",
        }
    }

    /// All values in the order of their first insertion, with this request's changes.
    pub(super) fn entries(&self) -> Vec<(String, Bytes)> {
        let mut entries: Vec<(String, Bytes)> = Vec::new();
        for frame in self.base.iter().filter(|frame| !self.cleared && frame.tag != Tag::Device) {
            let key = String::from_utf8_lossy(frame.key).into_owned();
            let value = match self.edit(&key) {
                Some(edit) => edit.value.bytes().cloned(),
                None => Some(self.base.share(frame.value)),
            };
            entries.extend(value.map(|value| (key, value)));
        }
        for edit in self.edits.iter().filter(|edit| !edit.in_base) {
            entries.extend(edit.value.bytes().map(|value| (self.key_of(edit).to_owned(), value.clone())));
        }
        for (key, _) in self.spent.iter().filter(|(key, _)| self.edit(key).is_none()) {
            let shown = !entries.iter().any(|(other, _)| **other == **key);
            entries.extend(self.stored(key).filter(|_| shown).map(|value| (key.as_ref().into(), value)));
        }
        for (key, value) in &self.now {
            entries.retain(|(other, _)| **other != **key);
            entries.push((key.as_ref().into(), value.clone()));
        }
        entries
    }

    /// Records `change` and carries it out. If it cannot be, nothing is changed.
    pub(super) fn apply(&mut self, mut change: Change) -> Result<Effect> {
        let (effect, value) = self.run(&mut change)?;
        Ok(self.keep(change, effect, value))
    }

    /// Records an update whose outcome on the present value is known.
    pub(super) fn apply_update(&mut self, target: Target, op: Op, value: Bytes) {
        self.keep(Change::At(target, op), Effect::Done, Some(Edited::Value(value)));
    }

    fn run(&self, change: &mut Change) -> Result<(Effect, Option<Edited>)> {
        let Change::At(target, op) = change else { return Ok((Effect::Done, None)) };
        let old = self.get(&target.key);
        let (new, effect) = op.run(&target.path, old.as_deref())?;
        let edited = match (new, &*op) {
            (None, _) => Edited::Removed,
            (Some(new), Op::Flash(_)) => Edited::Flash(new),
            (Some(new), _) => Edited::Value(new),
        };
        Ok((effect, Some(edited)))
    }

    fn keep(&mut self, change: Change, effect: Effect, value: Option<Edited>) -> Effect {
        let key = match &change {
            Change::At(target, _) => Some(&*target.key),
            Change::Clear => None,
        };
        match (key, value) {
            (Some(key), Some(value)) => {
                self.now.retain(|(name, _)| **name != *key);
                match self.edits.iter().position(|edit| self.key_of(edit) == key) {
                    Some(place) => self.edits[place].value = value,
                    None => {
                        let in_base = !self.cleared && self.base.find(key).is_some();
                        self.edits.push(Edit { change: self.changes.len(), value, in_base });
                    }
                }
            }
            _ => self.hide_everything(),
        }
        self.changes.push(change);
        effect
    }

    fn hide_everything(&mut self) {
        self.edits.clear();
        self.now.clear();
        self.cleared = true;
    }

    /// Shows `value` under `key` in this request only.
    pub(super) fn flash_now(&mut self, key: &str, value: Bytes) {
        self.now.push((key.into(), value));
    }

    /// Flash values born after commit `number` are for the next request.
    pub(super) fn age_up_to(&mut self, number: u64) {
        if let Some(aging) = &mut self.aging {
            aging.only_up_to(number);
        }
    }

    pub(super) fn aging(&mut self) -> Option<&mut Aging> {
        self.aging.as_mut()
    }

    pub(crate) fn set_device(&mut self, device: &str) {
        self.device = Some(device.into());
    }

    /// Whether this request changed a value.
    pub(crate) fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Whether flash values had their request and must go.
    pub(crate) fn ages(&self) -> bool {
        self.aging.is_some()
    }

    /// Whether there is a value that this request inserted.
    pub(crate) fn holds_new_values(&self) -> bool {
        self.edits.iter().any(|edit| edit.value.bytes().is_some())
    }

    pub(crate) fn has_new_device(&self) -> bool {
        self.device.is_some()
    }

    /// How many changes there are; a commit carries that many.
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Forgets this request's changes.
    pub(crate) fn discard(&mut self) {
        self.changes.clear();
        self.edits.clear();
        self.now.clear();
        self.cleared = false;
        self.device = None;
    }

    /// Carries the changes out again on what another request has stored.
    pub(crate) fn rebase(&mut self, base: Frames) -> Result<()> {
        self.exchange_base(base);
        self.replay(0)
    }

    /// Takes `base` for what is stored. Flash values that are gone from it are still there for the rest of this request.
    fn exchange_base(&mut self, base: Frames) {
        let old = std::mem::replace(&mut self.base, base);
        let Some(aging) = self.aging.as_ref().filter(|_| !self.cleared) else { return };
        for frame in old.iter().filter(|frame| matches!(frame.tag, Tag::Flash { born } if aging.is_due(born)))
        {
            let key = String::from_utf8_lossy(frame.key);
            if self.edit(&key).is_none() {
                self.spent.push((key.as_ref().into(), old.share(frame.value)));
            }
        }
    }

    /// A commit carried the first `sent` changes into the store, where `base` is now.
    pub(crate) fn committed(&mut self, base: Frames, sent: usize) -> Result<()> {
        self.exchange_base(base);
        let mut spent = std::mem::take(&mut self.spent);
        spent.retain(|(key, _)| !self.cleared && self.edit(key).is_none());
        self.spent = spent;
        self.aging = None;
        self.device = None;
        self.replay(sent)
    }

    fn replay(&mut self, from: usize) -> Result<()> {
        let now = std::mem::take(&mut self.now);
        let changes = std::mem::take(&mut self.changes);
        self.edits.clear();
        self.cleared = false;
        let mut failed = None;
        for mut change in changes.into_iter().skip(from) {
            // A change that no longer applies is kept: the request must not be acknowledged without it.
            let (effect, value) = match self.run(&mut change) {
                Ok(ran) => ran,
                Err(error) => {
                    failed = Some(error);
                    (Effect::Done, self.present(&change))
                }
            };
            self.keep(change, effect, value);
        }
        self.now = now;
        failed.map_or(Ok(()), Err)
    }

    /// What is under the key of a change that could not be carried out.
    fn present(&self, change: &Change) -> Option<Edited> {
        let Change::At(target, _) = change else { return None };
        Some(self.get(&target.key).map_or(Edited::Removed, Edited::Value))
    }

    /// The payload that a commit with this header writes.
    pub(crate) fn encode(&self, header: &Header) -> Bytes {
        let edited: usize =
            self.edits.iter().filter_map(|edit| edit.value.bytes()).map(|value| value.len() + 32).sum();
        let mut out = begin_session(header, self.base.bytes().len() + edited);
        if !self.cleared {
            self.copy_base(&mut out, header.number);
        }
        for edit in self.edits.iter().filter(|edit| !edit.in_base) {
            self.write_edit(&mut out, edit, header.number);
        }
        if let Some(device) = &self.device {
            write_frame(&mut out, Tag::Device, "", device.as_bytes());
        } else if self.cleared {
            self.base
                .iter()
                .filter(|frame| frame.tag == Tag::Device)
                .for_each(|frame| self.copy(&mut out, &frame));
        }
        out.into()
    }

    fn copy_base(&self, out: &mut Vec<u8>, number: u64) {
        for frame in self.base.iter() {
            let edit =
                self.edits.iter().find(|edit| edit.in_base && self.key_of(edit).as_bytes() == frame.key);
            match (frame.tag, edit) {
                (Tag::Device, _) if self.device.is_some() => {}
                (Tag::Device, _) | (Tag::Value, None) => self.copy(out, &frame),
                (_, Some(edit)) => self.write_edit(out, edit, number),
                (Tag::Flash { born }, None) => self.copy_flash(out, &frame, born, number),
            }
        }
    }

    fn copy(&self, out: &mut Vec<u8>, frame: &Frame<'_>) {
        out.extend_from_slice(&self.base.bytes()[frame.whole.clone()]);
    }

    fn copy_flash(&self, out: &mut Vec<u8>, frame: &Frame<'_>, born: u64, number: u64) {
        let Some(aging) = self.aging.as_ref().filter(|aging| aging.is_due(born)) else {
            return self.copy(out, frame);
        };
        let key = String::from_utf8_lossy(frame.key);
        if aging.keeps(&key) {
            write_frame(out, Tag::Flash { born: number }, &key, &self.base.bytes()[frame.value.clone()]);
        }
    }

    fn write_edit(&self, out: &mut Vec<u8>, edit: &Edit, number: u64) {
        match &edit.value {
            Edited::Removed => {}
            Edited::Value(value) => write_frame(out, Tag::Value, self.key_of(edit), value),
            Edited::Flash(value) => write_frame(out, Tag::Flash { born: number }, self.key_of(edit), value),
        }
    }

    /// Names the largest values and their sizes in bytes, for an error.
    pub(crate) fn largest(&self) -> String {
        let mut sizes: Vec<(usize, String)> =
            self.entries().into_iter().map(|(key, value)| (value.len(), key)).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let named: Vec<String> =
            sizes.iter().take(3).map(|(size, key)| format!("{key:?} with {size} bytes")).collect();
        named.join(", ")
    }
}

#[cfg(test)]
#[path = "draft_properties.rs"]
mod properties;

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
