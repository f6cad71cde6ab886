//! The values of a session as this request sees them: what was stored, and the changes made since.

mod encode;
mod read;
mod replay;

use std::sync::Arc;

use bytes::Bytes;

use super::change::{Change, Claim, Effect, How, Op, Places, Target, Updater};
use super::change_log::{ChangeLog, Edited, Undo};
use super::flash::{Aging, ShownValues};
use super::json::{self, Made, Node};
use super::key_index::KeyIndex;
use crate::record::{Frames, Tag};
use crate::{Error, ErrorKind, Result};

/// Stored values and the changes made to them.
///
/// Changes are logged in order, so that they can be carried out again on values that another request has stored
/// meanwhile; the log also says what they come to on the present base. Clones are cheap: they share all values, and
/// the closures of the application.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkingCopy {
    base: Frames,
    log: ChangeLog,
    /// Whether the base is hidden by a `clear`.
    cleared: bool,
    rare: Option<Box<Rare>>,
}

/// What few requests need, and so in a box.
#[derive(Clone, Debug, Default)]
struct Rare {
    /// Finds values in the base, if many were changed.
    index: Option<KeyIndex>,
    aging: Option<Aging>,
    /// Flash values for this request only.
    now: ShownValues,
    /// Flash values whose request this is, and which a commit has removed from the store already.
    spent: ShownValues,
    device: Option<Box<str>>,
    /// Closures of changes that are stored; they wait for a moment without a lock.
    trash: Trash,
}

/// Closures of the application that are not needed any more. Dropping it may run code of the application: never under a
/// lock.
#[derive(Clone, Default)]
#[must_use = "dropping it may run code of the application, which must not happen under a lock"]
pub(crate) struct Trash(Vec<Updater>);

impl Trash {
    /// Adds what is in `other`.
    pub(crate) fn extend(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, change: Change) {
        if let Change::At(_, Op::Update(update), _) = change {
            self.0.push(update);
        }
    }
}

/// Where the value of a key is found.
#[derive(Clone, Copy)]
enum ValueLocation {
    /// In this edit.
    Edit(usize),
    /// In what was stored, in the frame that begins here.
    Base(usize),
    Nowhere,
}

/// A change that is being carried out.
struct Step {
    target: Target,
    op: Op,
    places: Places,
    /// What an update has made of the value, if it was run already.
    made: Option<Bytes>,
    is_replay: bool,
}

impl WorkingCopy {
    /// Makes the values of a session that was just loaded at commit `commit_number`: its flash values have their request
    /// now.
    #[inline]
    pub(crate) fn loaded(base: Frames, commit_number: u64) -> Self {
        let aging = if base.has_flash() { Some(Aging::new(commit_number)) } else { None };
        let rare = aging.map(|aging| Box::new(Rare { aging: Some(aging), ..Rare::default() }));
        Self { base, rare, ..Self::default() }
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

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
        let is_clear = self.cleared && self.log.edits().next().is_none();
        if !is_clear {
            self.clear_again();
        }
        if let Some(rare) = &mut self.rare {
            rare.now = ShownValues::default();
        }
        Ok(())
    }

    fn clear_again(&mut self) {
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
    fn carry_out(&mut self, step: Step) -> Result<Effect> {
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

    /// Carries a change out that depends on what is there.
    fn edit(&mut self, step: Step) -> Result<Effect> {
        let Step { target, mut op, mut places, made, is_replay } = step;
        let (key, removes) = (target.name(), op.removes());
        let location = self.locate(key);
        let only_stored = op.claim().is_some() || (removes && target.below().is_empty());
        let shown = if only_stored { None } else { self.shown_over(key, location) };
        let was = if shown.is_some() { None } else { self.take_out(location) };
        let is_flash = matches!(was, Some(Edited::Flash(_)));
        let mut root = match (shown, was) {
            (Some(shown), _) => Some(Node::Raw(shown)),
            (None, Some(Edited::Value(node) | Edited::Flash(node))) => Some(node),
            (None, Some(Edited::Removed)) => None,
            (None, None) => self.base_value(location).map(Node::Raw),
        };
        let is_in_log = matches!(location, ValueLocation::Edit(_));
        let before = op.claim().map(|claim| (claim.clone(), root.clone()));
        let how = How { number: self.log.next_number(), is_own: is_in_log, is_replay };
        let mut effect = Effect::Done;
        let result = check_root(&mut root, &op, &target, is_in_log).and_then(|value| {
            let mut seen = places.take();
            let oldest = self.log.oldest_number();
            let mut edit = json::Edit { number: how.number, oldest, places: &mut seen, is_replay, removes };
            let result = json::edit(&mut edit, value, target.below(), &mut |old| {
                if let Some(made) = &made {
                    return Ok(Made::New(Node::Raw(made.clone())));
                }
                let (made, did) = op.run(old, how)?;
                effect = did;
                Ok(made)
            });
            places.put(seen);
            result
        });
        let new = match result {
            Ok(Made::Changed) => root.map_or(Edited::Removed, Edited::Value),
            Ok(Made::New(new)) => Edited::Value(new),
            Ok(Made::Gone) => Edited::Removed,
            Ok(Made::Same) | Err(_) => {
                if is_replay {
                    // A change that no longer applies is kept: the request must not be acknowledged without it.
                    self.note(location, Change::At(target, op, places), root, is_flash);
                } else {
                    self.put_back(location, root, is_flash);
                }
                return result.map(|_| effect);
            }
        };
        let name = target.clone();
        self.put(location, Change::At(target, op, places), new);
        if let Some((claim, before)) = before {
            self.remember(name.name(), claim, before, is_flash);
        }
        Ok(effect)
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

    /// Takes the value of an edit out to change it in place.
    fn take_out(&mut self, location: ValueLocation) -> Option<Edited> {
        let ValueLocation::Edit(number) = location else { return None };
        self.log.edit_mut(number).map(|edit| std::mem::replace(&mut edit.value, Edited::Removed))
    }

    fn put_back(&mut self, location: ValueLocation, root: Option<Node>, is_flash: bool) {
        if let ValueLocation::Edit(number) = location
            && let Some(edit) = self.log.edit_mut(number)
        {
            edit.value = edited(root, is_flash);
        }
    }

    /// Records a change that came to nothing. What was parsed for it is kept for the next one.
    fn note(&mut self, location: ValueLocation, change: Change, root: Option<Node>, is_flash: bool) {
        let is_plain = |place| self.base.at(place).is_some_and(|frame| frame.tag == Tag::Value);
        match (location, root) {
            (ValueLocation::Base(place), Some(node)) if node.is_parsed() && is_plain(place) => {
                self.put(location, change, Edited::Value(node));
            }
            (_, root) => {
                self.put_back(location, root, is_flash);
                self.log.note(change);
            }
        }
    }

    /// Records a change and what its key comes to.
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
            for frame in base.iter().filter(|frame| frame.tag != Tag::Device) {
                index.add(frame.whole.start, |place| base.key_at(place));
            }
            rare.index = Some(index);
        }
    }

    /// Shows `value` under `key` in this request only.
    pub(crate) fn flash_now(&mut self, key: &str, value: Bytes) {
        self.rare_mut().now.set(key, value);
    }

    /// Leaves flash values that were born after commit `number` to the next request.
    pub(crate) fn age_up_to(&mut self, number: u64) {
        if let Some(aging) = self.rare.as_mut().and_then(|rare| rare.aging.as_mut()) {
            aging.only_up_to(number);
        }
    }

    /// Keeps all flash values of this request for one more.
    pub(crate) fn keep_all_flash(&mut self) {
        if let Some(aging) = self.rare.as_mut().and_then(|rare| rare.aging.as_mut()) {
            aging.keep_all();
        }
    }

    /// Keeps the flash values `keys` for one more request.
    pub(crate) fn keep_flash(&mut self, keys: Vec<Box<str>>) {
        if let Some(aging) = self.rare.as_mut().and_then(|rare| rare.aging.as_mut()) {
            aging.keep(keys);
        }
    }

    pub(crate) fn set_device(&mut self, name: &str) {
        self.rare_mut().device = Some(name.into());
    }

    /// Forgets this request's changes. What is returned is dropped without a lock.
    pub(crate) fn discard(&mut self) -> Trash {
        let mut trash = self.take_trash();
        for change in self.log.restart(0) {
            trash.add(change);
        }
        self.cleared = false;
        if let Some(rare) = &mut self.rare {
            rare.now = ShownValues::default();
            rare.device = None;
        }
        trash
    }

    /// Returns closures of changes that are stored, to be dropped without a lock.
    pub(crate) fn take_trash(&mut self) -> Trash {
        self.rare.as_mut().map(|rare| std::mem::take(&mut rare.trash)).unwrap_or_default()
    }
}

fn edited(node: Option<Node>, is_flash: bool) -> Edited {
    match node {
        None => Edited::Removed,
        Some(node) if is_flash => Edited::Flash(node),
        Some(node) => Edited::Value(node),
    }
}

/// Returns the value to change, if it is JSON: what is in the log is, what was stored may not be. What is no JSON has
/// nothing to remove inside.
fn check_root<'a>(
    root: &'a mut Option<Node>,
    op: &Op,
    target: &Target,
    is_in_log: bool,
) -> Result<Option<&'a mut Node>> {
    let is_opened = !target.below().is_empty() || matches!(op, Op::Push(_));
    match root {
        Some(Node::Raw(text)) if is_opened && !is_in_log && !json::is_json(text) => {
            if op.removes() {
                return Ok(None);
            }
            Err(Error::new(ErrorKind::Decode, "a stored value is not JSON"))
        }
        root => Ok(root.as_mut()),
    }
}

impl std::fmt::Debug for Trash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trash({})", self.0.len())
    }
}

#[cfg(test)]
mod faults;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
