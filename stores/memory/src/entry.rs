//! A record in memory.

use cloakroom_store::{Bytes, Owner, Record, StoreKey, Timestamp, Touch, Version, VersionedRecord};

use super::expiry::Expiry;
use super::expiry_wheel::{Class, Place, Second};

/// A record, its key, and its place in the expiry wheel: 128 bytes, which begin with a cache line and fill two.
#[repr(align(64))]
pub(super) struct Entry {
    pub(super) key: StoreKey,
    payload: Bytes,
    pub(super) owner: Option<Owner>,
    pub(super) version: Version,
    pub(super) expiry: Expiry,
    pub(super) place: Place,
    pub(super) sliding: bool,
}

impl Entry {
    #[inline]
    pub(super) fn new(key: &StoreKey, record: &Record, version: Version) -> Self {
        Self {
            key: key.clone(),
            payload: record.payload.clone(),
            owner: record.owner.clone(),
            version,
            expiry: Expiry::new(record.expires_at),
            place: Place::default(),
            sliding: record.sliding,
        }
    }

    /// Takes over all of `record`; returns the previous owner. Its place in the wheel is not changed.
    pub(super) fn replace(&mut self, record: &Record, version: Version) -> Option<Owner> {
        self.payload = record.payload.clone();
        self.version = version;
        self.expiry = Expiry::new(record.expires_at);
        self.sliding = record.sliding;
        std::mem::replace(&mut self.owner, record.owner.clone())
    }

    /// Returns the record if it is live at `now`.
    #[inline]
    pub(super) fn load(&self, now: Timestamp) -> Option<VersionedRecord> {
        self.expiry.live_at(now).map(|expires_at| self.stored(expires_at))
    }

    /// Returns the record if it is live at `now`, after it was touched.
    pub(super) fn load_and_touch(&self, now: Timestamp, touch: Touch) -> Option<VersionedRecord> {
        let mut stored = self.stored(Timestamp::EPOCH);
        stored.record.expires_at = self.expiry.advance(now, |present| {
            stored.record.expires_at = present;
            touch.extended_expiry(&stored.record)
        })?;
        Some(stored)
    }

    /// Moves the expiry to `expires_at` if that is later; says whether the record is live at `now`.
    #[inline]
    pub(super) fn touch(&self, now: Timestamp, expires_at: Timestamp) -> bool {
        self.expiry.advance(now, |present| (present < expires_at).then_some(expires_at)).is_some()
    }

    /// Returns whether a touch has moved the expiry beyond the slot in which the entry stands.
    pub(super) fn is_overtaken(&self) -> bool {
        self.place.is_before(Second::of(self.expiry.peek()))
    }

    /// Returns which wheel the record stands in.
    #[inline]
    pub(super) fn class(&self) -> Class {
        if self.owner.is_some() { Class::Owned } else { Class::Unowned }
    }

    /// Returns whether a record of `owner` can take this one's place without a look at the owner's list and revocation:
    /// this record is in the list, and had it been revoked, it would not be here.
    pub(super) fn stays_with(&self, owner: &Owner) -> bool {
        self.owner.as_ref().is_some_and(|old| old.key == owner.key && old.logged_in_at <= owner.logged_in_at)
    }

    /// Returns what the record takes from the store's bound, in bytes.
    #[inline]
    pub(super) fn cost(&self) -> u64 {
        cost_of(&self.key, &self.payload, self.owner.as_ref())
    }

    #[inline]
    fn stored(&self, expires_at: Timestamp) -> VersionedRecord {
        let (payload, owner) = (self.payload.clone(), self.owner.clone());
        VersionedRecord::new(
            Record::new(payload, expires_at).with_sliding(self.sliding).with_owner(owner),
            self.version,
        )
    }
}

/// Returns what `record` would take from the store's bound, in bytes.
#[inline]
pub(super) fn cost(key: &StoreKey, record: &Record) -> u64 {
    cost_of(key, &record.payload, record.owner.as_ref())
}

/// Bytes that a record takes beside its payload: the entry, its place in the hash table, the payload's counter, and
/// what the allocator adds. Measured; `tests/cost.rs` measures it again.
const ENTRY: usize = 192;
/// Bytes that an owner adds, beside the owner's key twice: in the entry and in the owners' index.
const OWNED: usize = 256;
/// The length of a key that is kept within the entry.
const IN_PLACE: usize = 32;

#[inline]
fn cost_of(key: &StoreKey, payload: &Bytes, owner: Option<&Owner>) -> u64 {
    let key = if key.as_bytes().len() == IN_PLACE { 0 } else { key.as_bytes().len() };
    let belonging = owner.map_or(0, |owner| OWNED + 2 * owner.key.as_bytes().len() + key);
    (ENTRY + key + payload.len() + belonging) as u64
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn an_entry_fills_two_cache_lines() {
        assert_eq!(size_of::<Entry>(), 128);
    }
}
