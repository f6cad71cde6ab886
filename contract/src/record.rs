//! Records, their versions and owners.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::{OwnerKey, Timestamp};

/// What a store keeps under a key.
///
/// Later versions may add fields: make a record with [`new`](Self::new) and the methods that begin with `with_`.
///
/// ```
/// use cloakroom_store::{Owner, OwnerKey, Record, Timestamp};
/// use std::time::Duration;
///
/// let now = Timestamp::now();
/// let alice = Owner::new(OwnerKey::new("alice").unwrap(), now);
/// let record = Record::new("coat", now + Duration::from_secs(60)).with_owner(alice);
/// assert!(record.sliding && record.is_live(now));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Bytes that mean nothing to the store.
    pub payload: Bytes,
    /// From this moment on the record does not exist. [`Timestamp::NEVER`] means that it does not expire.
    pub expires_at: Timestamp,
    /// Whether a [`Touch`] that rides on a load may move the expiry.
    /// `false` for records whose lifetime is their own.
    pub sliding: bool,
    /// The user that the record belongs to, if any.
    pub owner: Option<Owner>,
}

impl Record {
    /// Makes a sliding record without an owner.
    pub fn new(payload: impl Into<Bytes>, expires_at: Timestamp) -> Self {
        Self { payload: payload.into(), expires_at, sliding: true, owner: None }
    }

    /// Sets the payload.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Bytes>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Sets the expiry.
    #[must_use]
    pub const fn with_expires_at(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// Sets whether a [`Touch`] that rides on a load may move the expiry.
    #[must_use]
    pub const fn with_sliding(mut self, sliding: bool) -> Self {
        self.sliding = sliding;
        self
    }

    /// Sets the owner; `None` takes it away.
    #[must_use]
    pub fn with_owner(mut self, owner: impl Into<Option<Owner>>) -> Self {
        self.owner = owner.into();
        self
    }

    /// Makes the record that ends another one: empty, and past its expiry as soon as it is written.
    ///
    /// An [`update`](crate::Store::update) to it removes exactly the version that it names, where a
    /// [`delete`](crate::Store::delete) would remove whatever is there by then.
    pub const fn expired() -> Self {
        Self { payload: Bytes::new(), expires_at: Timestamp::EPOCH, sliding: false, owner: None }
    }

    /// Returns whether the record still exists at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .field("expires_at", &self.expires_at)
            .field("sliding", &self.sliding)
            .field("owner", &self.owner)
            .finish()
    }
}

/// The user that a record belongs to, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// The user.
    pub key: OwnerKey,
    /// When the log-in began that made the record theirs. [`Owners::revoke`](crate::Owners::revoke) ends every
    /// record whose `logged_in_at` is not later than the revocation.
    pub logged_in_at: Timestamp,
}

impl Owner {
    /// Makes an owner: the user, and when the log-in began.
    pub const fn new(key: OwnerKey, logged_in_at: Timestamp) -> Self {
        Self { key, logged_in_at }
    }
}

/// A record and the version that it has in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionedRecord {
    /// The record.
    pub record: Record,
    /// Its version, to name it in [`Store::update`](crate::Store::update).
    pub version: Version,
}

impl VersionedRecord {
    /// Joins a record and its version.
    pub const fn new(record: Record, version: Version) -> Self {
        Self { record, version }
    }
}

/// Tells two states of one record apart.
///
/// Every [`create`](crate::Store::create) and [`update`](crate::Store::update) gives the record a version that this
/// key has never had before, not even before a delete, or a crash that undid a write; a touch leaves the version alone. Nothing but equality means anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl Version {
    /// Makes a version; only stores do.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Draws a version out of 2^64, which no key has had before and none is going to have again: for a store that would
    /// otherwise have to remember something, even after a delete, or after a crash that undid a write.
    ///
    /// It need not be secret. It takes no call of the operating system: the standard library has random keys for hashing.
    pub fn random() -> Self {
        // Counted, too: nothing says that the keys differ from one call to the next.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self(RandomState::new().hash_one(COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Returns the number that the store gave it.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Moves a record's expiry while it is loaded, if that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Touch {
    /// The expiry is moved only if it is earlier than this.
    pub due_before: Timestamp,
    /// What the expiry becomes; never earlier than it was.
    pub expires_at: Timestamp,
}

impl Touch {
    /// Makes a touch that moves an expiry earlier than `due_before` to `expires_at`.
    pub const fn new(due_before: Timestamp, expires_at: Timestamp) -> Self {
        Self { due_before, expires_at }
    }

    /// Returns the expiry that a live `record` gets from this touch, or `None` if it keeps the one it has.
    ///
    /// Stores that hold records in memory call this; the others do the same in their query.
    pub fn extended_expiry(&self, record: &Record) -> Option<Timestamp> {
        let due =
            record.sliding && record.expires_at < self.due_before && record.expires_at < self.expires_at;
        due.then_some(self.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::*;

    #[test]
    fn random_versions_differ_in_a_thread_and_across_threads() {
        let draw = || (0..500).map(|_| Version::random()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(draw)).collect();
        let drawn: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), 2_000);
    }
}
