//! The settings of a memory store.

use std::sync::Arc;

use cloakroom_store::{Clock, Error, ErrorKind, Result, StoreUrl, SystemClock};

use super::MemoryStore;
use super::eviction::{Budget, Room};
use super::hasher::Hasher;
use super::owners::Owners;
use super::shard::Shard;
use super::sync::AtomicU64;

/// Settings of a [`MemoryStore`].
#[derive(Clone, Debug)]
#[must_use]
pub struct MemoryStoreBuilder {
    max_records: u64,
    max_bytes: u64,
    shards: usize,
    clock: Arc<dyn Clock>,
}

impl MemoryStoreBuilder {
    pub(super) fn new() -> Self {
        let clock = Arc::new(SystemClock);
        Self { max_records: MOST_RECORDS, max_bytes: 1 << 30, shards: 64, clock }
    }

    pub(super) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        if url.without_settings() != "memory:" {
            return Err(Error::new(ErrorKind::Invalid, "the url of this store is memory:, without a path"));
        }
        let mut builder = Self::new();
        if let Some(records) = url.parsed("max_records")? {
            builder = builder.max_records(records);
        }
        if let Some(bytes) = url.parsed("max_bytes")? {
            builder = builder.max_bytes(bytes);
        }
        if let Some(shards) = url.parsed("shards")? {
            builder = builder.shards(shards);
        }
        url.finish()?;
        Ok(builder)
    }

    /// Keeps at most that many records, expired ones that were not swept yet included. Unless set, and at most,
    /// 2³² − 2. With 0, every create is refused with [`ErrorKind::Full`](cloakroom_store::ErrorKind::Full).
    pub fn max_records(mut self, records: u64) -> Self {
        self.max_records = records.min(MOST_RECORDS);
        self
    }

    /// Keeps at most that many bytes, 1 GiB unless set. `u64::MAX` means no bound.
    ///
    /// Counted are payloads, keys, owners and what it takes to keep them: about 190 bytes for each record, and
    /// about 260 more if it has an owner. A payload that is a slice of a larger buffer keeps the whole buffer alive,
    /// and counts with its own length. Revocations (about 250 bytes each, for 24 hours) are not counted.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Splits the records into that many parts with a lock each: 64 unless set, rounded up to a power of two,
    /// 4096 at most. More parts than threads make it unlikely that two wait for each other.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards.clamp(1, 4096).next_power_of_two();
        self
    }

    /// Takes the time from `clock`; unless set, from [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the store, empty.
    pub fn build(self) -> MemoryStore {
        let hasher = Hasher::new();
        MemoryStore {
            shards: (0..self.shards).map(|_| Shard::new(hasher.clone())).collect(),
            owners: Owners::new(self.shards, &hasher),
            budget: Budget::new(Room { records: self.max_records, bytes: self.max_bytes }),
            dropped: AtomicU64::new(0),
            clock: self.clock,
            hasher,
        }
    }
}

/// Entries are numbered with 32 bits, and one number means "none".
const MOST_RECORDS: u64 = u32::MAX as u64 - 1;
