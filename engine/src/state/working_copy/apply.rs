//! Applies changes and logs them.

use std::sync::Arc;

use bytes::Bytes;

use super::{ValueLocation, WorkingCopy};
use crate::record::Tag;
use crate::state::change::{Change, Claim, Effect, How, Op, Places, Target, Updater};
use crate::state::change_log::{Edited, Undo};
use crate::state::flash::ShownValues;
use crate::state::json::{self, Made, Node};
use crate::state::key_index::KeyIndex;
use crate::{Error, ErrorKind, Result};

/// A change that is being carried out.
pub(super) struct Step {
    pub(super) target: Target,
    pub(super) op: Op,
    pub(super) places: Places,
    /// What an update has made of the value, if it was run already.
    pub(super) made: Option<Bytes>,
    pub(super) is_replay: bool,
}

/// The value of a key, taken out to be changed in place.
struct Root {
    location: ValueLocation,
    node: Option<Node>,
    was_flash: bool,
    /// Whether it is what this request shows instead of what is at the location.
    is_shown: bool,
}

impl WorkingCopy {
    /// Records `change` and carries it out. If it cannot be, nothing is changed.
    pub(crate) fn apply(&mut self, change: Change) -> Result<Effect> {
        let (target, op, places) = match change {
            Change::Clear => return self.clear().map(|()| Effect::Done),
            Change::At(target, op, places) => (target, op, places),
        };
        if !op.removes() {
            self.log.check_room()?;
        }
        self.carry_out(Step { target, op, places, made: None, is_replay: false })
    }

    /// Records an update that made `new` of `old`. Returns `false`, and changes nothing, if the value is another by now.
    /// The caller keeps `update` until the lock is released.
    pub(crate) fn apply_update(
        &mut self,
        target: &Target,
        update: &Updater,
        old: Option<&Bytes>,
        new: Bytes,
    ) -> Result<bool> {
        self.log.check_room()?;
        if self.get_at(target).as_ref() != old {
            return Ok(false);
        }
        let (target, op) = (target.clone(), Op::Update(update.clone()));
        self.carry_out(Step { target, op, places: Places::default(), made: Some(new), is_replay: false })?;
        Ok(true)
    }

    /// Removes all values. The session, its id and its user stay.
    #[expect(clippy::unnecessary_wraps, reason = "like all changes")]
    pub(crate) fn clear(&mut self) -> Result<()> {
        // Once a commit is under way, other requests may insert values between it and this.
        let is_clear = self.cleared && self.log.edits().next().is_none() && self.log.has_unsent();
        if !is_clear {
            self.clear_again();
        }
        if let Some(rare) = &mut self.rare {
            rare.now = ShownValues::default();
        }
        Ok(())
    }

    pub(super) fn clear_again(&mut self) {
        self.log.clear(Change::Clear);
        self.cleared = true;
    }

    /// Brings back what `claim` removed, also when the changes are carried out again.
    pub(crate) fn withdraw(&mut self, target: &Target, claim: &Arc<Claim>) {
        claim.withdraw();
        let Some(number) = self.log.find(target.name().as_bytes()) else { return };
        let Some(edit) = self.log.edit_mut(number) else { return };
        if let Some(undo) = edit.undo.take_if(|undo| Arc::ptr_eq(&undo.claim, claim)) {
            edit.value = undo.before;
        }
    }

    #[inline]
    pub(super) fn carry_out(&mut self, step: Step) -> Result<Effect> {
        if !step.target.below().is_empty() {
            return self.edit(step);
        }
        let value = match &step.op {
            Op::Set(new) => Edited::Value(Node::Raw(new.clone())),
            Op::Flash(new) => Edited::Flash(Node::Raw(new.clone())),
            Op::Remove(_) if !step.is_replay => return self.remove(step),
            _ => return self.edit(step),
        };
        let location = self.locate(step.target.name());
        self.put(location, Change::At(step.target, step.op, step.places), value);
        Ok(Effect::Done)
    }

    /// Removes a whole value. One that is only shown, and not stored, leaves no change.
    fn remove(&mut self, mut step: Step) -> Result<Effect> {
        let shown = self.shown(step.target.name());
        if let (Op::Remove(seen), Some(shown)) = (&mut step.op, &shown) {
            if !seen.matches(shown) {
                return Ok(Effect::Existed(false));
            }
            seen.forget();
            if let Some(rare) = &mut self.rare {
                rare.now.remove(step.target.name());
                rare.spent.remove(step.target.name());
            }
        }
        match self.edit(step)? {
            Effect::Existed(existed) => Ok(Effect::Existed(existed || shown.is_some())),
            effect => Ok(effect),
        }
    }

    /// Carries a change out that depends on the present value.
    fn edit(&mut self, mut step: Step) -> Result<Effect> {
        let mut root = self.take_root(&step);
        let before = step.op.claim().map(|claim| (claim.clone(), root.node.clone()));
        let how = How { number: self.log.next_number(), is_own: root.is_in_log(), is_replay: step.is_replay };
        let ran = step.run(&mut root, how, self.log.oldest_number());
        let Step { target, op, places, .. } = step;
        let new = match ran {
            Ok((Made::Changed, effect)) => (edited(root.node, false), effect),
            Ok((Made::New(new), effect)) => (Edited::Value(new), effect),
            Ok((Made::Gone, effect)) => (Edited::Removed, effect),
            Ok((Made::Same, _)) | Err(_) => {
                if how.is_replay {
                    // A change that no longer applies is kept: the request must not be acknowledged without it.
                    self.note(root, Change::At(target, op, places));
                } else {
                    self.put_back(root);
                }
                return ran.map(|(_, effect)| effect);
            }
        };
        let (value, effect) = new;
        match before {
            None => self.put(root.location, Change::At(target, op, places), value),
            Some((claim, before)) => {
                let key = target.clone();
                self.put(root.location, Change::At(target, op, places), value);
                self.remember(key.name(), claim, before, root.was_flash);
            }
        }
        Ok(effect)
    }

    /// Takes the value of a key out of its edit, to change it in place, or a copy from where else it is.
    fn take_root(&mut self, step: &Step) -> Root {
        let (key, path) = (step.target.name(), step.target.below());
        let location = self.locate(key);
        // A claim, or the removal of a whole value, is not about what is only shown.
        let only_stored = step.op.claim().is_some() || (step.op.removes() && path.is_empty());
        let shown = if only_stored { None } else { self.shown_over(key, location) };
        if shown.is_some() {
            return Root { location, node: shown.map(Node::Raw), was_flash: false, is_shown: true };
        }
        let ValueLocation::Edit(number) = location else {
            let node = self.base_value(location).map(Node::Raw);
            return Root { location, node, was_flash: false, is_shown: false };
        };
        let edit = self.log.edit_mut(number);
        let was = edit.map(|edit| std::mem::replace(&mut edit.value, Edited::Removed));
        let was_flash = matches!(was, Some(Edited::Flash(_)));
        let node = match was {
            Some(Edited::Value(node) | Edited::Flash(node)) => Some(node),
            Some(Edited::Removed) | None => None,
        };
        Root { location, node, was_flash, is_shown: false }
    }

    fn put_back(&mut self, root: Root) {
        if let ValueLocation::Edit(number) = root.location
            && !root.is_shown
            && let Some(edit) = self.log.edit_mut(number)
        {
            edit.value = edited(root.node, root.was_flash);
        }
    }

    /// Records a change without an effect. What was parsed for it is kept for the next one.
    fn note(&mut self, root: Root, change: Change) {
        let is_plain = |place| self.base.at(place).is_some_and(|frame| frame.tag == Tag::Value);
        match root {
            Root { location: ValueLocation::Base(place), node: Some(node), is_shown: false, .. }
                if node.is_parsed() && is_plain(place) =>
            {
                self.put(root.location, change, Edited::Value(node));
            }
            root => {
                self.put_back(root);
                self.log.note(change);
            }
        }
    }

    /// Notes what a claim removed.
    fn remember(&mut self, key: &str, claim: Arc<Claim>, before: Option<Node>, was_flash: bool) {
        let Some(number) = self.log.find(key.as_bytes()) else { return };
        let Some(edit) = self.log.edit_mut(number) else { return };
        let is_flash =
            |place| self.base.at(place).is_some_and(|frame| matches!(frame.tag, Tag::Flash { .. }));
        let is_flash = was_flash || edit.in_base.is_some_and(is_flash);
        let before = edited(before, is_flash);
        edit.undo = Some(Box::new(Undo { claim, before }));
    }

    /// Records a change and the new value of its key.
    #[inline]
    fn put(&mut self, location: ValueLocation, change: Change, value: Edited) {
        if let (Some(rare), Change::At(target, ..)) = (&mut self.rare, &change) {
            rare.now.remove(target.name());
        }
        let in_base = match location {
            ValueLocation::Edit(number) => return self.log.edit_again(number, change, value),
            ValueLocation::Base(place) => Some(place),
            ValueLocation::Nowhere => None,
        };
        self.log.edit_first(change, value, in_base);
        if self.log.is_long() {
            self.index_base();
        }
    }

    #[cold]
    fn index_base(&mut self) {
        let Self { base, rare, .. } = self;
        let rare = rare.get_or_insert_default();
        if rare.index.is_none() {
            let mut index = KeyIndex::default();
            for frame in base.iter().filter(|frame| frame.tag.is_value()) {
                index.add(frame.whole.start, |place| base.key_at(place));
            }
            rare.index = Some(index);
        }
    }
}

impl Root {
    const fn is_in_log(&self) -> bool {
        matches!(self.location, ValueLocation::Edit(_))
    }

    /// Returns the value to change, if it is JSON: what is in the log is, what was stored may not be. What is not JSON
    /// has nothing to remove inside.
    fn checked(&mut self, op: &Op, is_opened: bool) -> Result<Option<&mut Node>> {
        let is_trusted = self.is_in_log() && !self.is_shown;
        match &mut self.node {
            Some(Node::Raw(text)) if is_opened && !is_trusted && !json::is_json(text) => {
                if op.removes() {
                    return Ok(None);
                }
                Err(Error::new(ErrorKind::Decode, "a stored value is not JSON"))
            }
            node => Ok(node.as_mut()),
        }
    }
}

impl Step {
    fn run(&mut self, root: &mut Root, how: How, oldest: u64) -> Result<(Made, Effect)> {
        let Self { target, op, places, made, is_replay } = self;
        let is_opened = !target.below().is_empty() || matches!(op, Op::Push(_));
        let value = root.checked(op, is_opened)?;
        let (mut seen, mut effect) = (places.take(), Effect::Done);
        let mut edit = json::Edit {
            number: how.number,
            oldest,
            places: &mut seen,
            is_replay: *is_replay,
            removes: op.removes(),
        };
        let result = json::edit(&mut edit, value, target.below(), &mut |old| {
            if let Some(made) = made.take() {
                return Ok(Made::New(Node::Raw(made)));
            }
            let (made, did) = op.run(old, how)?;
            effect = did;
            Ok(made)
        });
        places.put(seen);
        result.map(|made| (made, effect))
    }
}

fn edited(node: Option<Node>, is_flash: bool) -> Edited {
    match node {
        None => Edited::Removed,
        Some(node) if is_flash => Edited::Flash(node),
        Some(node) => Edited::Value(node),
    }
}
