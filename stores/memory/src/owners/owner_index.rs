//! Which keys each owner has, and revocations.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use cloakroom_store::{Owner, OwnerKey, StoreKey, Timestamp};
use foldhash::quality::SeedableRandomState;

use super::keys::Keys;

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
pub(super) const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// A part of the owners.
///
/// A key that is in no owner's list has no owned record. The other way round a key may linger in a list for
/// a moment after its record went, so a reader of a list checks the records.
pub(crate) struct OwnerIndex {
    owners: HashMap<OwnerKey, Belongings, SeedableRandomState>,
    /// The revocations of `owners`, the first to be forgotten first.
    revocations: BTreeSet<(Timestamp, OwnerKey)>,
}

/// What is known of an owner; never nothing.
#[derive(Debug)]
struct Belongings {
    keys: Keys,
    revocation: Option<Revocation>,
}

#[derive(Clone, Copy, Debug)]
struct Revocation {
    at: Timestamp,
    remembered_until: Timestamp,
}

impl OwnerIndex {
    pub(super) fn new(hasher: SeedableRandomState) -> Self {
        Self { owners: HashMap::with_hasher(hasher), revocations: BTreeSet::new() }
    }

    /// Whether a record with this owner comes too late.
    pub(crate) fn refuses(&self, owner: &Owner) -> bool {
        self.revoked_at(&owner.key).is_some_and(|at| owner.logged_in_at <= at)
    }

    pub(super) fn revoked_at(&self, owner: &OwnerKey) -> Option<Timestamp> {
        Some(self.owners.get(owner)?.revocation?.at)
    }

    /// Puts a key on the owner's list.
    pub(crate) fn add(&mut self, owner: &OwnerKey, key: &StoreKey) {
        self.belongings(owner).keys.insert(key);
    }

    /// Takes a key off the owner's list.
    pub(super) fn remove(&mut self, owner: &OwnerKey, key: &StoreKey) {
        if let Some(belongings) = self.owners.get_mut(owner) {
            belongings.keys.remove(key);
            self.tidy(owner);
        }
    }

    /// Returns a page of the owner's list.
    pub(super) fn page(&self, owner: &OwnerKey, after: Option<&StoreKey>, most: usize) -> Vec<StoreKey> {
        self.owners.get(owner).map_or_else(Vec::new, |belongings| belongings.keys.page(after, most))
    }

    /// Returns the owner's list.
    pub(super) fn keys(&self, owner: &OwnerKey) -> Vec<StoreKey> {
        self.owners.get(owner).map_or_else(Vec::new, |belongings| belongings.keys.to_vec())
    }

    /// Remembers a revocation, and forgets those that are due.
    pub(super) fn revoke(&mut self, owner: &OwnerKey, at: Timestamp, now: Timestamp) {
        let remembered_until = at.max(now) + REMEMBERED;
        let revocation = Revocation { at, remembered_until };
        if let Some(old) = self.belongings(owner).revocation.replace(revocation) {
            self.revocations.remove(&(old.remembered_until, owner.clone()));
        }
        self.revocations.insert((remembered_until, owner.clone()));
        self.forget_revocations(now);
    }

    /// Forgets the revocations that need not be remembered any more.
    pub(super) fn forget_revocations(&mut self, now: Timestamp) {
        while self.revocations.first().is_some_and(|(until, _)| *until <= now) {
            let Some((_, owner)) = self.revocations.pop_first() else { return };
            if let Some(belongings) = self.owners.get_mut(&owner) {
                belongings.revocation = None;
                self.tidy(&owner);
            }
        }
    }

    /// Empties all lists; revocations stay.
    pub(crate) fn clear_lists(&mut self) {
        self.owners.retain(|_, belongings| {
            belongings.keys = Keys::NONE;
            belongings.revocation.is_some()
        });
        self.shrink();
    }

    /// Returns how many owners are known, and how many revocations.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.owners.len(), self.revocations.len())
    }

    fn belongings(&mut self, owner: &OwnerKey) -> &mut Belongings {
        self.owners.entry(owner.clone()).or_insert(Belongings { keys: Keys::NONE, revocation: None })
    }

    /// Removes an owner without keys and revocations.
    fn tidy(&mut self, owner: &OwnerKey) {
        let empty = |known: &Belongings| known.keys.is_empty() && known.revocation.is_none();
        if self.owners.get(owner).is_some_and(empty) {
            self.owners.remove(owner);
            self.shrink();
        }
    }

    /// Gives memory back when the table has become eight times too large.
    fn shrink(&mut self) {
        let room = self.owners.len() * 2;
        if self.owners.capacity() > 64 && self.owners.capacity() > room * 4 {
            self.owners.shrink_to(room);
        }
    }
}
