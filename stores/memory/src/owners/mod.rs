//! The records of an owner.
//!
//! # The order of locks
//! A thread that holds a lock takes only such that come later: the indexes of owners, each after the one before
//! it in number; then the shards, each after the one before it in number. Only those who step on many at once
//! (`list`, `revoke`, `count` and `clear`) hold more than one of a kind.

mod keys;
mod owner_index;

use cloakroom_store::{Cursor, Entry, HeadPage, Owner, OwnerKey, RecordHead, Result, StoreKey, Timestamp};

use self::owner_index::OwnerIndex;
use super::MemoryStore;
use super::entry;
use super::eviction::Room;
use super::hasher::{Hasher, part};
use super::sync::{self, Mutex, MutexGuard};

/// Finds the keys of an owner.
pub(super) struct Owners {
    registers: Box<[Mutex<OwnerIndex>]>,
    hasher: Hasher,
}

impl Owners {
    /// `parts` is a power of two.
    pub(super) fn new(parts: usize, hasher: &Hasher) -> Self {
        let registers = (0..parts).map(|_| Mutex::new(OwnerIndex::new(hasher.state()))).collect();
        Self { registers, hasher: hasher.clone() }
    }

    /// Locks the index that an owner is in.
    pub(super) fn lock(&self, owner: &OwnerKey) -> Result<MutexGuard<'_, OwnerIndex>> {
        let part = part(self.hasher.owner(owner), self.registers.len());
        sync::lock(&self.registers[part])
    }

    /// Locks all indexes.
    pub(super) fn lock_all(&self) -> Result<Vec<MutexGuard<'_, OwnerIndex>>> {
        self.registers.iter().map(sync::lock).collect()
    }

    /// Forgets the revocations that need not be remembered any more.
    pub(super) fn forget_revocations(&self, now: Timestamp) -> Result<()> {
        self.registers.iter().try_for_each(|register| {
            sync::lock(register)?.forget_revocations(now);
            Ok(())
        })
    }

    /// Returns how many owners are known, and how many revocations.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(super) fn size(&self) -> (usize, usize) {
        let sizes = self.registers.iter().map(|register| sync::lock(register).unwrap().size());
        sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
    }
}

impl MemoryStore {
    /// Lists a page of the owner's records in the order of their keys; the cursor is the last key that was looked at.
    pub(super) fn list_now(
        &self,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let after = after.map(|cursor| StoreKey::from_bytes(cursor.as_bytes())).transpose()?;
        let most = HeadPage::bounded(limit);
        let register = self.owners.lock(owner)?;
        let keys = register.page(owner, after.as_ref(), most);
        let shards = self.shards_of(&keys);
        let held = shards.iter().map(|shard| self.shards[*shard].read()).collect::<Result<Vec<_>>>()?;
        let next = (keys.len() == most).then(|| keys.last()).flatten();
        let next = next.map(|key| Cursor::new(key.as_bytes().to_vec()));
        let now = self.clock.now();
        let belongs = |key: StoreKey| {
            let hash = self.hasher.key(&key);
            let shard = shards.binary_search(&self.shard_of(hash)).ok()?;
            let entry = held[shard].find(hash, &key).filter(|entry| is_of(entry, owner))?;
            RecordHead::of(Entry::new(key, entry.load(now)?))
        };
        Ok(HeadPage::new(keys.into_iter().filter_map(belongs).collect(), next))
    }

    /// Returns all of the owner's records.
    #[cfg(test)]
    pub(super) fn all_of(&self, owner: &OwnerKey) -> Result<Vec<RecordHead>> {
        let (mut heads, mut after) = (Vec::new(), None);
        loop {
            let page = self.list_now(owner, after.as_ref(), HeadPage::MOST)?;
            heads.extend(page.heads);
            after = page.next;
            if after.is_none() {
                return Ok(heads);
            }
        }
    }

    /// Revokes in one step: the lists and the shards of all the owner's records are locked at once.
    pub(super) fn revoke_now(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let mut register = self.owners.lock(owner)?;
        if register.revoked_at(owner).is_some_and(|earlier| at < earlier) {
            return Ok(0);
        }
        let keys = register.keys(owner);
        let shards = self.shards_of(&keys);
        let mut held = shards.iter().map(|shard| self.shards[*shard].write()).collect::<Result<Vec<_>>>()?;
        let now = self.clock.now();
        register.revoke(owner, at, now);
        let mut removed = Vec::new();
        for key in &keys {
            let hash = self.hasher.key(key);
            let Ok(shard) = shards.binary_search(&self.shard_of(hash)) else { continue };
            match held[shard].number(hash, key) {
                Some(number) if is_later(held[shard].entry(number), owner, at) => {}
                Some(number) if is_of(held[shard].entry(number), owner) => {
                    removed.extend(held[shard].remove(number));
                    register.remove(owner, key);
                }
                _ => register.remove(owner, key),
            }
        }
        drop((held, register));
        for entry in &removed {
            self.give_back(entry);
        }
        Ok(removed.iter().filter(|entry| entry.expiry.live_at(now).is_some()).count() as u64)
    }

    /// Takes a key off the list of an owner, unless its record is the owner's again. No lock may be held.
    pub(super) fn leave_list(&self, owner: &OwnerKey, key: &StoreKey) -> Result<()> {
        let mut register = self.owners.lock(owner)?;
        let place = self.place(key);
        let contents = place.shard.read()?;
        if contents.find(place.hash, key).is_none_or(|entry| !is_of(entry, owner)) {
            register.remove(owner, key);
        }
        Ok(())
    }

    /// Settles what an entry that was taken out leaves behind. No lock may be held.
    pub(super) fn forget(&self, entry: &entry::Entry) -> Result<()> {
        self.give_back(entry);
        entry.owner.as_ref().map_or(Ok(()), |owner| self.leave_list(&owner.key, &entry.key))
    }

    pub(super) fn give_back(&self, entry: &entry::Entry) {
        self.budget.give_back(Room { records: 1, bytes: entry.cost() });
    }

    /// Returns the shards that hold these keys, each once, in the order in which they are locked.
    fn shards_of(&self, keys: &[StoreKey]) -> Vec<usize> {
        let mut shards: Vec<_> = keys.iter().map(|key| self.shard_of(self.hasher.key(key))).collect();
        shards.sort_unstable();
        shards.dedup();
        shards
    }
}

fn is_of(entry: &entry::Entry, owner: &OwnerKey) -> bool {
    entry.owner.as_ref().is_some_and(|present| present.key == *owner)
}

/// Returns whether the owner's log-in began after `at`.
fn is_later(entry: &entry::Entry, owner: &OwnerKey, at: Timestamp) -> bool {
    matches!(&entry.owner, Some(Owner { key, logged_in_at: since, .. }) if key == owner && at < *since)
}
