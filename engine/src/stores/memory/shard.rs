//! A part of the records, under a lock of its own.

use std::sync::Arc;

use cloakroom_store::{Owner, Record, Result, StoreKey, Stored, Timestamp, Updated, Version};
use hashbrown::HashTable;

use super::deadlines::{Bucket, Deadlines, Fronts, Line};
use super::entries::{Entries, narrow};
use super::entry::Entry;
use super::hasher::{Hasher, is};
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
        Self { fronts: contents.deadlines.fronts(), contents: RwLock::new(contents) }
    }

    #[inline]
    pub(super) fn read(&self) -> Result<RwLockReadGuard<'_, Contents>> {
        sync::read(&self.contents)
    }

    #[inline]
    pub(super) fn write(&self) -> Result<RwLockWriteGuard<'_, Contents>> {
        sync::write(&self.contents)
    }

    /// Whether a record of the line may be expired at `now`.
    pub(super) fn is_due(&self, line: Line, now: Timestamp) -> bool {
        self.fronts.get(line).is_some_and(|front| front <= Bucket::of(now))
    }
}

/// The records of a shard: found by their keys, and by when they expire.
pub(super) struct Contents {
    /// The number of each entry, by the hash of its key.
    numbers: HashTable<u32>,
    entries: Entries,
    deadlines: Deadlines,
    /// Never goes back, so that no version is given twice.
    last_version: u64,
    hasher: Hasher,
}

/// What became of a look at the entry that a line names first.
pub(super) enum Looked {
    /// It expires as early as its place says: here it is, taken out.
    Dropped(Entry),
    /// It was touched since, and was put where it belongs.
    Moved { key: StoreKey, expires_at: Timestamp },
    /// The line has none that may be dropped.
    Nobody,
}

impl Contents {
    fn new(hasher: Hasher) -> Self {
        let (numbers, entries, deadlines) = (HashTable::new(), Entries::default(), Deadlines::new());
        Self { numbers, entries, deadlines, last_version: 0, hasher }
    }

    /// How many entries there are, expired ones included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entry(&self, number: u32) -> &Entry {
        &self.entries[number]
    }

    /// The number of the entry under `key`, live or not.
    #[inline]
    pub(super) fn number(&self, hash: u64, key: &StoreKey) -> Option<u32> {
        let is_sought = is(key);
        self.numbers.find(hash, |number| is_sought(&self.entries[*number].key)).copied()
    }

    /// The entry under `key`, live or not.
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &StoreKey) -> Option<&Entry> {
        let (is_sought, mut found) = (is(key), None);
        self.numbers.find(hash, |number| {
            let entry = &self.entries[*number];
            found = Some(entry).filter(|entry| is_sought(&entry.key));
            found.is_some()
        });
        found
    }

    /// The number of the live entry under `key` if it has the version `expected`, or why there can be no update.
    pub(super) fn expect(
        &self,
        hash: u64,
        key: &StoreKey,
        expected: Version,
        now: Timestamp,
    ) -> Result<u32, Updated> {
        let number = self.number(hash, key).ok_or(Updated::Gone)?;
        let entry = &self.entries[number];
        match entry.expiry.live_at(now) {
            None => Err(Updated::Gone),
            Some(_) if entry.version == expected => Ok(number),
            Some(_) => Err(entry.load(now).map_or(Updated::Gone, Updated::Conflict)),
        }
    }

    /// Adds an entry under a key that has none.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, key: &StoreKey, record: &Record) -> Version {
        let version = self.next_version();
        let number = self.entries.push(Entry::new(key, record, version));
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.numbers.insert_unique(hash, number, |number| hasher.key(&entries[*number].key));
        self.deadlines.join(&mut self.entries, number);
        version
    }

    /// Gives an entry a new record and version; hands back whose the old record was.
    pub(super) fn replace(&mut self, number: u32, record: &Record) -> (Version, Option<Owner>) {
        let version = self.next_version();
        let entry = &self.entries[number];
        let stays = entry.owner.is_some() == record.owner.is_some()
            && entry.links.bucket() <= Bucket::of(record.expires_at);
        if stays {
            return (version, self.entries[number].replace(record, version));
        }
        self.deadlines.leave(&mut self.entries, number);
        let owner = self.entries[number].replace(record, version);
        self.deadlines.join(&mut self.entries, number);
        (version, owner)
    }

    /// Takes an entry out. The last one gets its number.
    pub(super) fn remove(&mut self, number: u32) -> Option<Entry> {
        self.deadlines.leave(&mut self.entries, number);
        let hash = self.hasher.key(&self.entries[number].key);
        if let Ok(place) = self.numbers.find_entry(hash, |other| *other == number) {
            place.remove();
        }
        let removed = self.entries.swap_remove(number);
        self.renumber(narrow(self.entries.len()), number);
        self.shrink();
        removed
    }

    /// Takes out the entry that its line names first, unless it was touched since or is the one to `spare`.
    pub(super) fn look_at_first(&mut self, line: Line, spare: &StoreKey) -> Looked {
        let entries = &self.entries;
        let found = self.deadlines.iter(entries, line).find(|number| entries[*number].key != *spare);
        let Some(number) = found else { return Looked::Nobody };
        let (key, expires_at) = (entries[number].key.clone(), entries[number].expiry.peek());
        if self.catch_up(number) {
            return Looked::Moved { key, expires_at };
        }
        self.remove(number).map_or(Looked::Nobody, Looked::Dropped)
    }

    /// Puts an entry into the bucket of its expiry, if a touch has moved that to a later one.
    pub(super) fn catch_up(&mut self, number: u32) -> bool {
        let entry = &self.entries[number];
        let moved = entry.links.bucket() < Bucket::of(entry.expiry.peek());
        if moved {
            self.deadlines.leave(&mut self.entries, number);
            self.deadlines.join(&mut self.entries, number);
        }
        moved
    }

    /// The first entry of a line, if its bucket is due at `now`.
    pub(super) fn first_due(&self, line: Line, now: Timestamp) -> Option<u32> {
        let (bucket, number) = self.deadlines.first(line)?;
        (bucket <= Bucket::of(now)).then_some(number)
    }

    /// The entry after `number` in its bucket.
    pub(super) fn next_in_bucket(&self, number: u32) -> Option<u32> {
        Deadlines::after(&self.entries, number)
    }

    /// How many entries are live at `now`; looks only at those that may not be.
    pub(super) fn count(&self, now: Timestamp) -> usize {
        let expired = |number: &u32| self.entries[*number].expiry.live_at(now).is_none();
        self.len() - self.deadlines.due(&self.entries, now).filter(expired).count()
    }

    /// The live records of a page: at most `limit` entries that come before number `before`, the last one first, and
    /// the number before which the next page begins.
    pub(super) fn page(&self, before: u32, limit: usize, now: Timestamp) -> (Vec<(StoreKey, Stored)>, u32) {
        let before = before.min(narrow(self.len()));
        let begin = before.saturating_sub(narrow(limit));
        let live = |entry: &Entry| Some((entry.key.clone(), entry.load(now)?));
        ((begin..before).rev().filter_map(|number| live(&self.entries[number])).collect(), begin)
    }

    /// Takes everything out, but keeps counting the versions.
    pub(super) fn take_all(&mut self) -> Entries {
        self.numbers = HashTable::new();
        self.deadlines.clear();
        std::mem::take(&mut self.entries)
    }

    /// How many entries the deadlines know, and how many buckets.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(super) fn deadline_sizes(&self) -> (usize, usize) {
        self.deadlines.sizes(&self.entries)
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
        let hash = self.hasher.key(&self.entries[new].key);
        if let Some(number) = self.numbers.find_mut(hash, |number| *number == old) {
            *number = new;
        }
        self.deadlines.renumber(&mut self.entries, new);
    }

    /// Gives memory back when the table has become eight times too large.
    fn shrink(&mut self) {
        let room = self.len() * 2;
        if self.numbers.capacity() > 64 && self.numbers.capacity() > room * 4 {
            let (entries, hasher) = (&self.entries, &self.hasher);
            self.numbers.shrink_to(room, |number| hasher.key(&entries[*number].key));
        }
    }
}
