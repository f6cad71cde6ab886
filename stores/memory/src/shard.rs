//! A part of the records, under a lock of its own.

use std::sync::Arc;

use cloakroom_store::{Owner, Record, Result, StoreKey, Timestamp, UpdateOutcome, Version, VersionedRecord};

use super::entries::{Entries, narrow};
use super::entry::Entry;
use super::expiry_wheel::{Class, ExpiryWheel, Fronts, Second};
use super::hasher::{Hasher, is};
use super::index::{Index, Tag};
use super::sync::{self, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A part of the records. Aligned, so that no two shards' locks share a cache line.
#[repr(align(128))]
pub(super) struct Shard {
    contents: RwLock<Contents>,
    pub(super) fronts: Arc<Fronts>,
}

impl Shard {
    pub(super) fn new(hasher: Hasher) -> Self {
        let contents = Contents::new(hasher);
        Self { fronts: contents.wheel.fronts(), contents: RwLock::new(contents) }
    }

    #[inline]
    pub(super) fn read(&self) -> Result<RwLockReadGuard<'_, Contents>> {
        sync::read(&self.contents)
    }

    #[inline]
    pub(super) fn write(&self) -> Result<RwLockWriteGuard<'_, Contents>> {
        sync::write(&self.contents)
    }

    /// Returns whether a record of the class may be expired at `now`.
    pub(super) fn is_due(&self, class: Class, now: Timestamp) -> bool {
        self.fronts.get(class).is_some_and(|front| front <= Second::of(now))
    }
}

/// The records of a shard: found by their keys, and by when they expire.
pub(super) struct Contents {
    /// The number of each entry, by the hash of its key.
    numbers: Index,
    entries: Entries,
    wheel: ExpiryWheel,
    /// Never goes back, so that no version is given twice.
    last_version: u64,
    hasher: Hasher,
}

/// The answer to a look at the entry that is first in its class.
pub(super) enum Looked {
    /// It expires as early as its place says: here it is, taken out.
    Dropped(Entry),
    /// It was touched since, and was put where it belongs.
    Moved { key: StoreKey, expires_at: Timestamp },
    /// The class has none that may be dropped.
    Nothing,
}

impl Contents {
    fn new(hasher: Hasher) -> Self {
        let (numbers, entries, wheel) = (Index::default(), Entries::default(), ExpiryWheel::new());
        Self { numbers, entries, wheel, last_version: 0, hasher }
    }

    /// Returns how many entries there are, expired ones included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entry(&self, number: u32) -> &Entry {
        &self.entries[number]
    }

    /// Returns the number of the entry under `key`, live or not.
    #[inline]
    pub(super) fn number(&self, hash: u64, key: &StoreKey) -> Option<u32> {
        let is_sought = is(key);
        self.numbers.find(Tag::of(hash), |number| is_sought(&self.entries[number].key))
    }

    /// Returns the entry under `key`, live or not.
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &StoreKey) -> Option<&Entry> {
        let (is_sought, mut found) = (is(key), None);
        self.numbers.find(Tag::of(hash), |number| {
            let entry = &self.entries[number];
            found = Some(entry).filter(|entry| is_sought(&entry.key));
            found.is_some()
        });
        found
    }

    /// Returns the number of the live entry under `key` if it has the version `expected`, or why there can be no update.
    pub(super) fn expect(
        &self,
        hash: u64,
        key: &StoreKey,
        expected: Version,
        now: Timestamp,
    ) -> Result<u32, UpdateOutcome> {
        let number = self.number(hash, key).ok_or(UpdateOutcome::NotFound)?;
        let entry = &self.entries[number];
        match entry.expiry.live_at(now) {
            None => Err(UpdateOutcome::NotFound),
            Some(_) if entry.version == expected => Ok(number),
            Some(_) => Err(entry.load(now).map_or(UpdateOutcome::NotFound, UpdateOutcome::Conflict)),
        }
    }

    /// Adds an entry under a key that has none.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, key: &StoreKey, record: &Record, now: Timestamp) -> Version {
        let version = self.next_version();
        let number = self.entries.push(Entry::new(key, record, version));
        self.numbers.insert(Tag::of(hash), number);
        self.wheel.join(&mut self.entries, number, Second::of(now));
        version
    }

    /// Gives an entry a new record and version; returns the old record's owner.
    pub(super) fn replace(
        &mut self,
        number: u32,
        record: &Record,
        now: Timestamp,
    ) -> (Version, Option<Owner>) {
        let version = self.next_version();
        let entry = &self.entries[number];
        let stays = entry.owner.is_some() == record.owner.is_some()
            && entry.place.begin() <= Second::of(record.expires_at);
        if stays {
            return (version, self.entries[number].replace(record, version));
        }
        self.wheel.leave(&mut self.entries, number);
        let owner = self.entries[number].replace(record, version);
        self.wheel.join(&mut self.entries, number, Second::of(now));
        (version, owner)
    }

    /// Takes an entry out. The last one gets its number.
    pub(super) fn remove(&mut self, number: u32) -> Option<Entry> {
        self.wheel.leave(&mut self.entries, number);
        self.numbers.remove(self.tag(number), number);
        let removed = self.entries.swap_remove(number);
        self.renumber(narrow(self.entries.len()), number);
        removed
    }

    /// Takes out the entry that is first in its class, unless it was touched since or is the one to `spare`.
    pub(super) fn look_at_first(&mut self, class: Class, spare: &StoreKey) -> Looked {
        let entries = &self.entries;
        let found = self.wheel.iter(class).find(|number| entries[*number].key != *spare);
        let Some(number) = found else { return Looked::Nothing };
        let (key, expires_at) = (entries[number].key.clone(), entries[number].expiry.peek());
        if self.entries[number].is_overtaken() {
            self.catch_up(number, self.entries[number].place.begin());
            return Looked::Moved { key, expires_at };
        }
        self.remove(number).map_or(Looked::Nothing, Looked::Dropped)
    }

    /// Puts an entry into the slot of its expiry as seen from `present`.
    pub(super) fn catch_up(&mut self, number: u32, present: Second) {
        self.wheel.leave(&mut self.entries, number);
        self.wheel.join(&mut self.entries, number, present);
    }

    /// Returns how many entries stand in the first slot of a class, if that has begun at `now`.
    pub(super) fn first_due(&self, class: Class, now: Timestamp) -> Option<usize> {
        let (begin, len) = self.wheel.first(class)?;
        (begin <= Second::of(now)).then_some(len)
    }

    /// Returns the entry at a position of the first slot of a class.
    pub(super) fn in_first(&self, class: Class, at: usize) -> Option<u32> {
        self.wheel.in_first(class, at)
    }

    /// Returns how many entries are live at `now`; looks only at those that may not be.
    pub(super) fn count(&self, now: Timestamp) -> usize {
        let expired = |number: &u32| self.entries[*number].expiry.live_at(now).is_none();
        self.len() - self.wheel.due(now).filter(expired).count()
    }

    /// Returns the live records of a page: at most `limit` entries that come before number `before`, the last one
    /// first, and the number before which the next page begins.
    pub(super) fn page(
        &self,
        before: u32,
        limit: usize,
        now: Timestamp,
    ) -> (Vec<(StoreKey, VersionedRecord)>, u32) {
        let before = before.min(narrow(self.len()));
        let begin = before.saturating_sub(narrow(limit));
        let live = |entry: &Entry| Some((entry.key.clone(), entry.load(now)?));
        ((begin..before).rev().filter_map(|number| live(&self.entries[number])).collect(), begin)
    }

    /// Takes everything out, but keeps counting the versions.
    pub(super) fn take_all(&mut self) -> Entries {
        self.numbers = Index::default();
        self.wheel.clear();
        std::mem::take(&mut self.entries)
    }

    /// Returns how many entries the wheel knows, and how many slots.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(super) fn wheel_sizes(&self) -> (usize, usize) {
        self.wheel.sizes()
    }

    fn next_version(&mut self) -> Version {
        self.last_version += 1;
        Version::new(self.last_version)
    }

    /// Makes what was known as entry `old`, if there was one, known as entry `new`.
    fn renumber(&mut self, old: u32, new: u32) {
        if old == new {
            return;
        }
        self.numbers.renumber(self.tag(new), old, new);
        self.wheel.renumber(&self.entries, new);
    }

    fn tag(&self, number: u32) -> Tag {
        Tag::of(self.hasher.key(&self.entries[number].key))
    }
}
