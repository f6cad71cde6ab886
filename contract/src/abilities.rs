//! What only some stores can do.

use std::fmt;
use std::ops::AddAssign;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Created, OwnerKey, Record, Result, StoreKey, Stored, Timestamp, Touch, Updated, Version};

/// What a store can do beyond the contract: an ability is a trait to call, so it cannot be claimed and missing.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Abilities<'a> {
    /// Removes expired records on request. Absent where the server does it by itself.
    pub sweep: Option<&'a dyn Sweep>,
    /// Goes through all records.
    pub scan: Option<&'a dyn Scan>,
    /// Finds and revokes the records of an owner.
    pub owners: Option<&'a dyn Owners>,
    /// Answers without waiting, because the records are in this process's memory.
    pub immediate: Option<&'a dyn Immediate>,
}

impl<'a> Abilities<'a> {
    /// No ability.
    pub const NONE: Self = Self { sweep: None, scan: None, owners: None, immediate: None };

    /// Adds sweeping.
    #[must_use]
    pub fn with_sweep(mut self, sweep: &'a dyn Sweep) -> Self {
        self.sweep = Some(sweep);
        self
    }

    /// Adds scanning.
    #[must_use]
    pub fn with_scan(mut self, scan: &'a dyn Scan) -> Self {
        self.scan = Some(scan);
        self
    }

    /// Adds owners.
    #[must_use]
    pub fn with_owners(mut self, owners: &'a dyn Owners) -> Self {
        self.owners = Some(owners);
        self
    }

    /// Adds answers without waiting.
    #[must_use]
    pub fn with_immediate(mut self, immediate: &'a dyn Immediate) -> Self {
        self.immediate = Some(immediate);
        self
    }
}

/// Answers without waiting: for a store whose records are in the memory of this process.
///
/// Each method does what the method of [`Store`](crate::Store) with the same name does, and takes the present time
/// instead of asking a clock of its own. A caller may use either, in any order.
///
/// A store that wraps another one must not hand this ability on: calls would pass by the wrapper.
pub trait Immediate: fmt::Debug + Send + Sync {
    /// Loads a record; see [`Store::load`](crate::Store::load).
    fn load(&self, key: &StoreKey, touch: Option<Touch>, now: Timestamp) -> Result<Option<Stored>>;

    /// Stores a record under a key that has no live record; see [`Store::create`](crate::Store::create).
    fn create(&self, key: &StoreKey, record: &Record, now: Timestamp) -> Result<Created>;

    /// Replaces the record of one version; see [`Store::update`](crate::Store::update).
    fn update(&self, key: &StoreKey, expected: Version, record: &Record, now: Timestamp) -> Result<Updated>;
}

/// Removes what has expired.
#[async_trait]
pub trait Sweep: fmt::Debug + Send + Sync {
    /// Removes up to `limit` expired records, and never a live one.
    ///
    /// Any number of processes may sweep at once. It also forgets revocations that are older than
    /// what [`Owners`] must remember.
    async fn sweep(&self, limit: usize) -> Result<Swept>;
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many expired records it removed.
    pub removed: usize,
    /// How many of those were [sliding](crate::Record::sliding), so that any load would have kept them.
    pub sliding: usize,
    /// Whether it stopped at the limit, so that another sweep has work to do.
    pub more: bool,
}

impl Swept {
    /// Nothing was removed, and there is no more.
    pub const NOTHING: Self = Self { removed: 0, sliding: 0, more: false };

    /// Counts a record that was removed.
    pub fn count(&mut self, sliding: bool) {
        self.removed += 1;
        self.sliding += usize::from(sliding);
    }
}

/// One sweep after another, or beside it.
impl AddAssign for Swept {
    fn add_assign(&mut self, other: Self) {
        self.removed += other.removed;
        self.sliding += other.sliding;
        self.more |= other.more;
    }
}

/// Goes through all records.
#[async_trait]
pub trait Scan: fmt::Debug + Send + Sync {
    /// Reads a page of about `limit` live records, from the beginning or from where the last page ended.
    ///
    /// A record that lives from the first page to the last is seen at least once, whatever else changes.
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page>;

    /// Counts the live records.
    async fn count(&self) -> Result<u64>;

    /// Removes every record, live or not, and says how many live ones there were. Revocations are kept.
    async fn clear(&self) -> Result<u64>;
}

/// A live record and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: StoreKey,
    /// The record and its version.
    pub stored: Stored,
}

/// A page of a [`Scan`].
#[derive(Clone, Debug)]
pub struct Page {
    /// The records; may be fewer than asked for, or none, although there are more pages.
    pub entries: Vec<Entry>,
    /// Where the next page begins, or `None` after the last.
    pub next: Option<Cursor>,
}

/// Where a [`Scan`] goes on; its bytes mean something only to the store that made it.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Bytes);

impl Cursor {
    /// Makes a cursor; only stores do.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The store's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor(..)")
    }
}

/// Finds and revokes the records of an owner.
///
/// An owner's records are those whose [`Record::owner`](crate::Record::owner) names them now: an update that
/// changes the owner moves the record from one owner to the other at once.
///
/// # Remembering
/// A revocation is remembered for 24 hours at least, counted from the later of its own moment and the call, so that a log-in which began before it and is still under way
/// is refused when it arrives.
#[async_trait]
pub trait Owners: fmt::Debug + Send + Sync {
    /// Lists the owner's live records, in no order.
    async fn list(&self, owner: &OwnerKey) -> Result<Vec<Entry>>;

    /// Removes every record of `owner` whose `since` is not later than `at`, and says how many live ones there were.
    ///
    /// From then on a [`create`](crate::Store::create) or [`update`](crate::Store::update) with such an owner
    /// is answered with `Revoked`. An earlier revocation than one already made changes nothing.
    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64>;
}
