//! The five operations of the contract, as plain functions.

use cloakroom_store::{
    CreateOutcome, Owner, OwnerKey, Record, Result, StoreKey, Timestamp, Touch, UpdateOutcome, Version,
    VersionedRecord,
};

use super::MemoryStore;
use super::entry::cost;
use super::eviction::Room;
use super::hasher::part;
use super::shard::{Contents, Shard};

/// Where a key's record is kept.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) shard: &'a Shard,
    pub(super) hash: u64,
}

/// The answer to a try to write.
enum Try<T> {
    /// There is an answer, and perhaps an owner who lost the record.
    Done(T, Option<OwnerKey>),
    /// It would fit if there were this much room more.
    NoRoom(Room),
}

impl MemoryStore {
    pub(super) fn load_at(
        &self,
        key: &StoreKey,
        touch: Option<Touch>,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>> {
        let place = self.place(key);
        let contents = place.shard.read()?;
        let Some(entry) = contents.find(place.hash, key) else { return Ok(None) };
        match touch {
            None => Ok(entry.load(now)),
            Some(touch) => Ok(entry.load_and_touch(now, touch)),
        }
    }

    pub(super) fn touch_now(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let place = self.place(key);
        let contents = place.shard.read()?;
        Ok(contents.find(place.hash, key).is_some_and(|entry| entry.touch(self.clock.now(), expires_at)))
    }

    pub(super) fn delete_now(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let place = self.place(key);
        let mut contents = place.shard.write()?;
        let removed = contents.number(place.hash, key).and_then(|number| contents.remove(number));
        let now = self.clock.now();
        drop(contents);
        let Some(entry) = removed else { return Ok(None) };
        let stored = entry.load(now);
        self.forget(&entry)?;
        Ok(stored)
    }

    pub(super) fn create_at(&self, key: &StoreKey, record: &Record, now: Timestamp) -> Result<CreateOutcome> {
        self.write(key, record, now, || match &record.owner {
            None => self.try_create(key, record, now),
            Some(owner) => {
                let mut register = self.owners.lock(&owner.key)?;
                if register.refuses(owner) {
                    return Ok(Try::Done(CreateOutcome::Revoked, None));
                }
                let created = self.try_create(key, record, now)?;
                if let Try::Done(CreateOutcome::Created(_), _) = created {
                    register.add(&owner.key, key);
                }
                Ok(created)
            }
        })
    }

    pub(super) fn update_at(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<UpdateOutcome> {
        self.write(key, record, now, || {
            let place = self.place(key);
            let mut contents = place.shard.write()?;
            let number = match contents.expect(place.hash, key, expected, now) {
                Err(refused) => return Ok(Try::Done(refused, None)),
                Ok(number) => number,
            };
            match &record.owner {
                Some(owner) if !contents.entry(number).stays_with(owner) => {
                    drop(contents);
                    self.try_update_owner(key, expected, record, owner, now)
                }
                _ => Ok(self.replace(&mut contents, number, key, record, now, UpdateOutcome::Updated)),
            }
        })
    }

    #[inline]
    pub(super) fn place(&self, key: &StoreKey) -> Place<'_> {
        let hash = self.hasher.key(key);
        Place { shard: &self.shards[self.shard_of(hash)], hash }
    }

    #[inline]
    pub(super) fn shard_of(&self, hash: u64) -> usize {
        part(hash, self.shards.len())
    }

    /// Tries until there is an answer, making room as it is needed.
    fn write<T>(
        &self,
        key: &StoreKey,
        record: &Record,
        now: Timestamp,
        mut attempt: impl FnMut() -> Result<Try<T>>,
    ) -> Result<T> {
        self.budget.admit(cost(key, record))?;
        loop {
            match attempt()? {
                Try::NoRoom(room) => self.make_room(room, key, now)?,
                Try::Done(answer, None) => return Ok(answer),
                Try::Done(answer, Some(owner)) => {
                    self.leave_list(&owner, key)?;
                    return Ok(answer);
                }
            }
        }
    }

    /// Creates the record; the caller holds the lock of its owner.
    #[inline]
    fn try_create(&self, key: &StoreKey, record: &Record, now: Timestamp) -> Result<Try<CreateOutcome>> {
        let place = self.place(key);
        let mut contents = place.shard.write()?;
        if let Some(number) = contents.number(place.hash, key) {
            if contents.entry(number).expiry.live_at(now).is_some() {
                return Ok(Try::Done(CreateOutcome::AlreadyExists, None));
            }
            return Ok(self.replace(&mut contents, number, key, record, now, CreateOutcome::Created));
        }
        let room = Room { records: 1, bytes: cost(key, record) };
        if !self.budget.take(room) {
            return Ok(Try::NoRoom(room));
        }
        Ok(Try::Done(CreateOutcome::Created(contents.insert(place.hash, key, record, now)), None))
    }

    /// Updates a record that gets an `owner` which it did not have.
    fn try_update_owner(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Try<UpdateOutcome>> {
        let mut register = self.owners.lock(&owner.key)?;
        if register.refuses(owner) {
            return Ok(Try::Done(UpdateOutcome::Revoked, None));
        }
        let place = self.place(key);
        let mut contents = place.shard.write()?;
        let number = match contents.expect(place.hash, key, expected, now) {
            Err(refused) => return Ok(Try::Done(refused, None)),
            Ok(number) => number,
        };
        let updated = self.replace(&mut contents, number, key, record, now, UpdateOutcome::Updated);
        if let Try::Done(..) = updated {
            register.add(&owner.key, key);
        }
        Ok(updated)
    }

    /// Replaces an entry if the difference fits.
    fn replace<T>(
        &self,
        contents: &mut Contents,
        number: u32,
        key: &StoreKey,
        record: &Record,
        now: Timestamp,
        answer: impl FnOnce(Version) -> T,
    ) -> Try<T> {
        let (before, after) = (contents.entry(number).cost(), cost(key, record));
        let more = Room { records: 0, bytes: after.saturating_sub(before) };
        if !self.budget.take(more) {
            return Try::NoRoom(more);
        }
        let (version, owner) = contents.replace(number, record, now);
        self.budget.give_back(Room { records: 0, bytes: before.saturating_sub(after) });
        let kept = record.owner.as_ref().map(|owner| &owner.key);
        Try::Done(answer(version), owner.map(|owner| owner.key).filter(|left| Some(left) != kept))
    }
}

/// The same at the moment of the store's own clock.
#[cfg(test)]
impl MemoryStore {
    pub(super) fn load_now(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.load_at(key, touch, self.clock.now())
    }

    pub(super) fn create_now(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.create_at(key, record, self.clock.now())
    }

    pub(super) fn update_now(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        self.update_at(key, expected, record, self.clock.now())
    }
}
