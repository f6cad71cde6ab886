//! Updates without a script, on servers that compare by themselves: `SET … IFEQ` of Valkey 8.1 and newer.
//!
//! The server compares all bytes that it has with those that the caller names. So a store keeps the records that it has
//! read or written last. As a version is random, equal bytes are the version expected, and its expiry is known. Where
//! nothing is kept, or the bytes differ, a script decides as everywhere else; so a record that was forgotten, or
//! moved by another process's touch, costs a trip and nothing more. It takes the server a third of the script's time.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use cloakroom_store::{StoreKey, Version, VersionedRecord};

/// How many records are kept; two whose keys fall to the same place do without.
const PLACES: usize = 1_024;
/// How long a payload may be that is kept, in bytes: an update sends it again, which must cost less than a script.
const LONGEST: usize = 4_096;

/// The records that were read or written last, and whether the server can compare with them.
#[derive(Debug)]
pub(crate) struct Compare {
    is_known: AtomicBool,
    hasher: RandomState,
    places: Box<[Mutex<Option<Kept>>]>,
}

struct Kept {
    key: StoreKey,
    stored: VersionedRecord,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(..)")
    }
}

impl Compare {
    /// Until the server has said what it is, it is not known to compare.
    pub(crate) fn new() -> Self {
        let places = (0..PLACES).map(|_| Mutex::new(None)).collect();
        Self { is_known: AtomicBool::new(false), hasher: RandomState::new(), places }
    }

    /// Sets whether the server compares. One that takes its place later may be older, and is then found out.
    pub(crate) fn set(&self, is_known: bool) {
        self.is_known.store(is_known, Ordering::Relaxed);
    }

    /// Keeps a record, if it has no owner: one with an owner is in an index too, so that a script has to write it.
    pub(crate) fn keep(&self, key: &StoreKey, stored: &VersionedRecord) {
        let fits = stored.record.owner.is_none() && stored.record.payload.len() <= LONGEST;
        if fits && self.is_known.load(Ordering::Relaxed) {
            *self.lock(key) = Some(Kept { key: key.clone(), stored: stored.clone() });
        }
    }

    /// Takes out the record of this version, if it is kept.
    pub(crate) fn take(&self, key: &StoreKey, version: Version) -> Option<VersionedRecord> {
        if !self.is_known.load(Ordering::Relaxed) {
            return None;
        }
        let is_it = |kept: &mut Kept| kept.key == *key && kept.stored.version == version;
        self.lock(key).take_if(is_it).map(|kept| kept.stored)
    }

    /// Locks the place of a key. No code but that of this module runs under the lock.
    fn lock(&self, key: &StoreKey) -> std::sync::MutexGuard<'_, Option<Kept>> {
        let hash = self.hasher.hash_one(key.as_bytes()).to_le_bytes();
        let at = usize::from(u16::from_le_bytes([hash[0], hash[1]])) % PLACES;
        self.places[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_store::{Owner, OwnerKey, Record, Timestamp};

    use super::*;

    fn stored(size: usize) -> VersionedRecord {
        VersionedRecord::new(Record::new(vec![0; size], Timestamp::NEVER), Version::new(7))
    }

    #[test]
    fn a_record_is_kept_once_and_only_if_it_is_short_and_without_an_owner_and_the_server_compares() {
        let (compare, key) = (Compare::new(), StoreKey::from_hash([1; 32]));
        compare.keep(&key, &stored(1));
        compare.set(true);
        assert_eq!(compare.take(&key, Version::new(7)), None);
        compare.keep(&key, &stored(LONGEST));
        assert_eq!(compare.take(&StoreKey::from_hash([2; 32]), Version::new(7)), None);
        assert_eq!(compare.take(&key, Version::new(8)), None);
        assert_eq!(compare.take(&key, Version::new(7)), Some(stored(LONGEST)));
        assert_eq!(compare.take(&key, Version::new(7)), None);
        compare.keep(&key, &stored(LONGEST + 1));
        let mut owned = stored(1);
        owned.record = owned.record.with_owner(Owner::new(OwnerKey::new("alice").unwrap(), Timestamp::EPOCH));
        compare.keep(&key, &owned);
        assert_eq!(compare.take(&key, Version::new(7)), None);
    }
}
