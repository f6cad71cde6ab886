//! The values of a session as this request sees them: what was stored, and the changes made since.

use bytes::Bytes;

use super::change::{Change, Effect, Op, Target};
use super::flash::Aging;
use super::log::{Edit, Edited, Log};
use super::names::Names;
use crate::Result;
use crate::record::{Frame, Frames, Header, Tag, begin_session, write_frame};

/// Stored values and the changes made to them.
///
/// Changes are logged in order, so that they can be carried out again on values that another request has stored
/// meanwhile; the log also says what they come to on the present base.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    base: Frames,
    /// Finds values in the base, if many were changed.
    names: Option<Box<Names>>,
    log: Log,
    /// Whether the base is hidden by a `clear`.
    cleared: bool,
    /// Rare, and so in a box.
    aging: Option<Box<Aging>>,
    /// Flash values for this request only.
    now: Vec<(Box<str>, Bytes)>,
    /// Flash values whose request this is, and which a commit has removed from the store already.
    spent: Vec<(Box<str>, Bytes)>,
    device: Option<Box<str>>,
}

/// What runs code of the application when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Trash(Vec<Change>);

impl Trash {
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where the value of a key is found.
#[derive(Clone, Copy)]
enum Spot {
    /// In this edit.
    Edit(usize),
    /// In what was stored, in the frame that begins here.
    Base(usize),
    Nowhere,
}

/// What a change comes to.
struct Ran {
    effect: Effect,
    /// What becomes of the key, and where its value was; `None`: all values go.
    edited: Option<(Edited, Spot)>,
}

impl Draft {
    /// The values of a session that was just loaded at commit `number`: its flash values have their request now.
    #[inline]
    pub(crate) fn loaded(base: Frames, number: u64) -> Self {
        let aging = base.has_flash().then(|| Box::new(Aging::new(number)));
        Self { base, aging, ..Self::default() }
    }

    /// The value of `key`, sharing memory with what was stored.
    pub(super) fn get(&self, key: &str) -> Option<Bytes> {
        self.look(key).0
    }

    /// The value of `key`, and where it is stored or edited.
    fn look(&self, key: &str) -> (Option<Bytes>, Spot) {
        let (value, spot) = match self.log.find(key.as_bytes()) {
            Some(edit) => {
                (self.log.edit(edit).and_then(|edit| edit.value.bytes()).cloned(), Spot::Edit(edit))
            }
            None => self.stored(key),
        };
        match self.now.iter().rev().find(|(name, _)| **name == *key) {
            Some((_, shown)) => (Some(shown.clone()), spot),
            None => (value, spot),
        }
    }

    fn stored(&self, key: &str) -> (Option<Bytes>, Spot) {
        if self.cleared {
            return (None, Spot::Nowhere);
        }
        if let Some(frame) = self.in_base(key) {
            return (Some(self.base.share(frame.value)), Spot::Base(frame.whole.start));
        }
        let spent = self.spent.iter().find(|(name, _)| **name == *key);
        (spent.map(|(_, value)| value.clone()), Spot::Nowhere)
    }

    fn in_base(&self, key: &str) -> Option<Frame<'_>> {
        match &self.names {
            None => self.base.find(key),
            Some(names) => {
                let place = names.find(key.as_bytes(), |place| self.base.key_at(place))?;
                self.base.at(place)
            }
        }
    }

    fn edit(&self, key: &str) -> Option<&Edit> {
        self.log.edit(self.log.find(key.as_bytes())?)
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
        for edit in self.log.edits().filter(|edit| edit.in_base.is_none()) {
            entries.extend(edit.value.bytes().map(|value| (self.log.key_of(edit).to_owned(), value.clone())));
        }
        for (key, _) in self.spent.iter().filter(|(key, _)| self.edit(key).is_none()) {
            let shown = !entries.iter().any(|(other, _)| **other == **key);
            entries.extend(self.stored(key).0.filter(|_| shown).map(|value| (key.as_ref().into(), value)));
        }
        for (key, value) in &self.now {
            entries.retain(|(other, _)| **other != **key);
            entries.push((key.as_ref().into(), value.clone()));
        }
        entries
    }

    /// Records `change` and carries it out. If it cannot be, nothing is changed.
    pub(super) fn apply(&mut self, mut change: Change) -> Result<Effect> {
        let ran = self.run(&mut change)?;
        let effect = ran.effect;
        self.keep(change, ran);
        Ok(effect)
    }

    /// Records an update whose outcome on the present value is known.
    pub(super) fn apply_update(&mut self, target: Target, op: Op, value: Bytes) {
        let edited = Some((Edited::Value(value), self.look(&target.key).1));
        self.keep(Change::At(target, op), Ran { effect: Effect::Done, edited });
    }

    fn run(&self, change: &mut Change) -> Result<Ran> {
        let Change::At(target, op) = change else { return Ok(Ran { effect: Effect::Done, edited: None }) };
        let (old, spot) = self.look(&target.key);
        let (new, effect) = op.run(&target.path, old.as_deref())?;
        let edited = match (new, &*op) {
            (None, _) => Edited::Removed,
            (Some(new), Op::Flash(_)) => Edited::Flash(new),
            (Some(new), _) => Edited::Value(new),
        };
        Ok(Ran { effect, edited: Some((edited, spot)) })
    }

    fn keep(&mut self, change: Change, ran: Ran) {
        if let Change::At(target, _) = &change {
            self.now.retain(|(name, _)| *name != target.key);
        }
        match ran.edited {
            None => {
                self.log.clear(change);
                self.now.clear();
                self.cleared = true;
            }
            Some((value, Spot::Edit(number))) => self.log.edit_again(number, change, value),
            Some((value, spot)) => {
                let in_base = if let Spot::Base(place) = spot { Some(place) } else { None };
                self.log.edit_first(change, value, in_base);
                if self.log.is_long() && self.names.is_none() {
                    self.names = Some(Box::new(names_of(&self.base)));
                }
            }
        }
    }

    /// Shows `value` under `key` in this request only.
    pub(super) fn flash_now(&mut self, key: &str, value: Bytes) {
        self.now.push((key.into(), value));
    }

    /// Flash values born after commit `number` are for the next request.
    pub(crate) fn age_up_to(&mut self, number: u64) {
        if let Some(aging) = &mut self.aging {
            aging.only_up_to(number);
        }
    }

    pub(super) fn aging(&mut self) -> Option<&mut Aging> {
        self.aging.as_deref_mut()
    }

    pub(crate) fn set_device(&mut self, device: &str) {
        self.device = Some(device.into());
    }

    /// Whether this request changed a value.
    pub(crate) fn is_changed(&self) -> bool {
        !self.log.is_empty()
    }

    /// Whether flash values had their request and must go.
    pub(crate) fn ages(&self) -> bool {
        self.aging.is_some()
    }

    /// Whether there is a value that this request inserted.
    pub(crate) fn holds_new_values(&self) -> bool {
        self.log.edits().any(|edit| edit.value.bytes().is_some())
    }

    pub(crate) fn has_new_device(&self) -> bool {
        self.device.is_some()
    }

    /// How many changes there are; a commit carries that many.
    pub(crate) fn len(&self) -> usize {
        self.log.len()
    }

    /// Forgets this request's changes.
    pub(crate) fn discard(&mut self) -> Trash {
        let trash = Trash(self.log.take().collect());
        self.now.clear();
        self.cleared = false;
        self.device = None;
        trash
    }

    /// Records that all values go.
    pub(crate) fn clear(&mut self) -> Result<()> {
        self.apply(Change::Clear).map(drop)
    }

    /// Holds what runs code of the application when the changes are dropped, to be dropped without a lock.
    pub(crate) fn hold_changes(&self) -> Trash {
        Trash(self.log.clone().take().collect())
    }

    /// Carries the changes out again on what another request has stored.
    pub(crate) fn rebase(&mut self, base: Frames) -> Result<()> {
        self.exchange_base(base);
        self.replay(0)
    }

    /// Takes `base` for what is stored. Flash values that are gone from it are still there for the rest of this request.
    fn exchange_base(&mut self, base: Frames) {
        self.names = None;
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
        self.cleared = false;
        if from >= self.log.len() {
            self.log = Log::default();
            return Ok(());
        }
        let now = std::mem::take(&mut self.now);
        let mut failed = None;
        for mut change in self.log.take().skip(from) {
            // A change that no longer applies is kept: the request must not be acknowledged without it.
            let ran = self.run(&mut change).unwrap_or_else(|error| {
                failed = Some(error);
                Ran { effect: Effect::Done, edited: self.present(&change) }
            });
            self.keep(change, ran);
        }
        self.now = now;
        failed.map_or(Ok(()), Err)
    }

    /// What is under the key of a change that could not be carried out.
    fn present(&self, change: &Change) -> Option<(Edited, Spot)> {
        let Change::At(target, _) = change else { return None };
        let (value, spot) = self.look(&target.key);
        Some((value.map_or(Edited::Removed, Edited::Value), spot))
    }

    /// The payload that a commit with this header writes.
    pub(crate) fn encode(&self, header: &Header) -> Bytes {
        let edited: usize =
            self.log.edits().filter_map(|edit| edit.value.bytes()).map(|value| value.len() + 32).sum();
        let mut out = begin_session(header, self.base.bytes().len() + edited);
        if !self.cleared {
            self.copy_base(&mut out, header.number());
        }
        for edit in self.log.edits().filter(|edit| edit.in_base.is_none()) {
            self.write_edit(&mut out, edit, header.number());
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

    /// Copies what was stored, in as few pieces as the changes leave it in.
    fn copy_base(&self, out: &mut Vec<u8>, number: u64) {
        if self.device.is_some() || self.aging.is_some() {
            return self.copy_frame_by_frame(out, number);
        }
        let bytes = self.base.bytes();
        let mut edits = self.log.edits().filter_map(|edit| Some((edit.in_base?, edit)));
        let mut first = edits.next();
        // Most requests change one value, and need no list to put in order.
        let mut others: Vec<(usize, &Edit)> = edits.collect();
        if !others.is_empty() {
            others.extend(first.take());
            others.sort_unstable_by_key(|(place, _)| *place);
        }
        let mut copied = 0;
        for (place, edit) in first.into_iter().chain(others) {
            out.extend_from_slice(&bytes[copied..place]);
            copied = self.base.at(place).map_or(place, |frame| frame.whole.end);
            self.write_edit(out, edit, number);
        }
        out.extend_from_slice(&bytes[copied..]);
    }

    /// Copies what was stored where every frame has to be looked at: flash values age, or the device is another one.
    fn copy_frame_by_frame(&self, out: &mut Vec<u8>, number: u64) {
        let bytes = self.base.bytes();
        let mut copied = 0;
        for frame in self.base.iter() {
            let edit = if frame.tag == Tag::Device { None } else { self.log.find(frame.key) };
            let edit = edit.and_then(|edit| self.log.edit(edit)).filter(|edit| edit.in_base.is_some());
            if self.stays(&frame, edit) {
                continue;
            }
            out.extend_from_slice(&bytes[copied..frame.whole.start]);
            copied = frame.whole.end;
            match (frame.tag, edit) {
                (Tag::Device, _) | (Tag::Value, None) => {}
                (_, Some(edit)) => self.write_edit(out, edit, number),
                (Tag::Flash { .. }, None) => self.keep_flash(out, &frame, number),
            }
        }
        out.extend_from_slice(&bytes[copied..]);
    }

    /// Whether a frame is written as it was stored.
    fn stays(&self, frame: &Frame<'_>, edit: Option<&Edit>) -> bool {
        match frame.tag {
            Tag::Device => self.device.is_none(),
            Tag::Value => edit.is_none(),
            Tag::Flash { born } => {
                edit.is_none() && self.aging.as_ref().is_none_or(|aging| !aging.is_due(born))
            }
        }
    }

    fn copy(&self, out: &mut Vec<u8>, frame: &Frame<'_>) {
        out.extend_from_slice(&self.base.bytes()[frame.whole.clone()]);
    }

    /// Writes a flash value that had its request once more, if the handler wants to keep it.
    fn keep_flash(&self, out: &mut Vec<u8>, frame: &Frame<'_>, number: u64) {
        let key = String::from_utf8_lossy(frame.key);
        if self.aging.as_ref().is_some_and(|aging| aging.keeps(&key)) {
            write_frame(out, Tag::Flash { born: number }, &key, &self.base.bytes()[frame.value.clone()]);
        }
    }

    fn write_edit(&self, out: &mut Vec<u8>, edit: &Edit, number: u64) {
        let key = self.log.key_of(edit);
        match &edit.value {
            Edited::Removed => {}
            Edited::Value(value) => write_frame(out, Tag::Value, key, value),
            Edited::Flash(value) => write_frame(out, Tag::Flash { born: number }, key, value),
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

/// The places of all values by their keys.
fn names_of(base: &Frames) -> Names {
    let mut names = Names::default();
    for frame in base.iter().filter(|frame| frame.tag != Tag::Device) {
        names.add(frame.whole.start, |place| base.key_at(place));
    }
    names
}

#[cfg(test)]
#[path = "draft_properties.rs"]
mod properties;

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
