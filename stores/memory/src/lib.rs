#![doc = include_str!("../README.md")]

mod builder;
mod entries;
mod entry;
mod eviction;
mod expiry;
mod expiry_wheel;
mod hasher;
mod index;
mod owners;
mod records;
mod scan;
mod shard;
mod sweep;
mod sync;

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;
#[cfg(test)]
#[cfg(shuttle)]
mod tests_under_shuttle;

use std::fmt;
use std::sync::Arc;

use cloakroom_store::{
    Capabilities, Clock, CreateOutcome, Cursor, HeadPage, Immediate, OwnerKey, Owners, Page, Record, Result,
    Scan, ServerClock, Store, StoreKey, Sweep, SweepStats, Timestamp, Touch, UpdateOutcome, Version,
    VersionedRecord, async_trait,
};

pub use self::builder::MemoryStoreBuilder;
use self::sync::{AtomicU64, Ordering};

/// Keeps records in the memory of this process: the quickest store, for one process, gone when it ends.
///
/// It has every [capability](Capabilities). Loads and touches take a shared lock on one of 64 parts of the store, writes an
/// exclusive one; no method's future ever waits.
///
/// # What is dropped when it is full
/// The store is bounded by bytes ([1 GiB unless set](MemoryStoreBuilder::max_bytes)) and by
/// [records](MemoryStoreBuilder::max_records), and never exceeds either. A write for which there is no room drops
/// others until there is:
///
/// 1. records that expired in an earlier second, if one is found among a few hundred;
/// 2. then the record without an owner that expires next, so that a flood of visitors does not log users out;
/// 3. then, when every record has an owner, the one of them that expires next.
///
/// The order is exact to a second for records that expire within half a minute, and to 1/16 of the remaining time for
/// others; among equal ones, any may be dropped. A touch takes effect on that order late: when the store looks for a record
/// to drop, it passes over at most 32 that were touched, and if all were, it drops the one of them that expires first. The
/// record that is being written is never dropped for itself. A record that does not fit into the empty store is refused with
/// [`ErrorKind::TooLarge`](cloakroom_store::ErrorKind::TooLarge). [`usage`](MemoryStore::usage) counts the records dropped.
///
/// # Expiry
/// Expired records do not exist, to the microsecond; [`Sweep`] gives their memory back. It looks only at
/// records that were due when it last looked at them, so its cost is proportional to what is due.
///
/// ```
/// use cloakroom_memory::MemoryStore;
/// use std::sync::Arc;
///
/// let store = Arc::new(MemoryStore::builder().max_bytes(256 << 20).build());
/// assert_eq!(store.usage().records, 0);
/// ```
pub struct MemoryStore {
    /// A power of two of them.
    shards: Box<[shard::Shard]>,
    owners: owners::Owners,
    budget: eviction::Budget,
    /// How many live records were dropped for want of room.
    dropped: AtomicU64,
    clock: Arc<dyn Clock>,
    hasher: hasher::Hasher,
}

/// How full a [`MemoryStore`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Records that are kept, expired ones that were not swept yet included.
    pub records: u64,
    /// What they take, in bytes as [`max_bytes`](MemoryStoreBuilder::max_bytes) counts them.
    pub bytes: u64,
    /// How many live records were dropped for want of room since the store was made.
    pub evicted: u64,
}

impl MemoryStore {
    /// Makes a store with the settings that [`builder`](Self::builder) begins with.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins with the default settings: at most 1 GiB, 64 shards, the system's clock.
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::new()
    }

    /// Sets options from a URL: `memory:?name=value&…`, with `max_records`, `max_bytes` and `shards`.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if the URL or a setting cannot be right.
    pub fn from_url(url: &str) -> cloakroom_store::Result<MemoryStoreBuilder> {
        MemoryStoreBuilder::from_url(url)
    }

    /// Returns how full the store is at this moment.
    pub fn usage(&self) -> Usage {
        let eviction::Room { records, bytes } = self.budget.taken();
        Usage { records, bytes, evicted: self.dropped.load(Ordering::Relaxed) }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let eviction::Room { records, bytes } = self.budget.most();
        f.debug_struct("MemoryStore")
            .field("usage", &self.usage())
            .field("max_records", &records)
            .field("max_bytes", &bytes)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.load_at(key, touch, self.clock.now())
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.create_at(key, record, self.clock.now())
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.update_at(key, expected, record, self.clock.now())
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.touch_now(key, expires_at)
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.delete_now(key)
    }
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE
            .with_sweep(self)
            .with_scan(self)
            .with_owners(self)
            .with_immediate(self)
            .with_server_clock(self)
    }
}

/// Its clock is that of all engines that share it.
#[async_trait]
impl ServerClock for MemoryStore {
    async fn now(&self) -> Result<Timestamp> {
        Ok(self.clock.now())
    }
}

/// Nothing here waits for anything but locks that are held for microseconds.
impl Immediate for MemoryStore {
    fn load(&self, key: &StoreKey, touch: Option<Touch>, now: Timestamp) -> Result<Option<VersionedRecord>> {
        self.load_at(key, touch, now)
    }
    fn create(&self, key: &StoreKey, record: &Record, now: Timestamp) -> Result<CreateOutcome> {
        self.create_at(key, record, now)
    }
    fn update(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<UpdateOutcome> {
        self.update_at(key, expected, record, now)
    }
}

#[async_trait]
impl Sweep for MemoryStore {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        self.sweep_now(limit).map(|sweeping| sweeping.swept)
    }
}

#[async_trait]
impl Scan for MemoryStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.scan_now(after, limit)
    }
    async fn count(&self) -> Result<u64> {
        self.count_now()
    }
    async fn clear(&self) -> Result<u64> {
        self.clear_now()
    }
}

#[async_trait]
impl Owners for MemoryStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        self.list_now(owner, after, limit)
    }
    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        self.revoke_now(owner, at)
    }
}
