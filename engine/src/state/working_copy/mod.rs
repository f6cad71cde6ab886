//! The values of a session as this request sees them: what was stored, and the changes made since.

mod apply;
mod encode;
mod read;
mod replay;

use bytes::Bytes;

use super::change::{Change, Op, Updater};
use super::change_log::ChangeLog;
use super::flash::{Aging, ShownValues};
use super::key_index::KeyIndex;
use crate::record::Frames;

/// Stored values and the changes made to them.
///
/// Changes are logged in order, so that they can be replayed on values that another request has stored
/// meanwhile; the log also holds their results on the present base. Clones are cheap: they share all values, and
/// the closures of the application.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkingCopy {
    base: Frames,
    log: ChangeLog,
    /// Whether the base is hidden by a `clear`.
    cleared: bool,
    rare: Option<Box<Rare>>,
}

/// Parts that few requests need, in a box.
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

impl WorkingCopy {
    /// Makes the values of a session that was just loaded at commit `commit_number`: its flash values have their request
    /// now.
    #[inline]
    pub(crate) fn loaded(base: Frames, commit_number: u64) -> Self {
        let aging = if base.has_flash() { Some(Aging::new(commit_number)) } else { None };
        let rare = aging.map(|aging| Box::new(Rare { aging: Some(aging), ..Rare::default() }));
        Self { base, log: ChangeLog::default(), cleared: false, rare }
    }

    /// Returns what was stored.
    pub(crate) const fn base(&self) -> &Frames {
        &self.base
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
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
