//! How much the store may hold.

use cloakroom_store::{Error, ErrorKind, Result};

use super::sync::{AtomicU64, Ordering};

/// An amount of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// The store's bound, and how much of it is taken. Shared by all shards, and never exceeded.
#[derive(Debug)]
pub(super) struct Budget {
    most: Room,
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Budget {
    pub(super) fn new(most: Room) -> Self {
        Self { most, records: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    pub(super) fn most(&self) -> Room {
        self.most
    }

    pub(super) fn taken(&self) -> Room {
        let (records, bytes) = (self.records.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        Room { records, bytes }
    }

    /// Refuses what does not fit even if nothing else is there.
    #[inline]
    pub(super) fn admit(&self, bytes: u64) -> Result<()> {
        if self.most.records == 0 {
            return Err(Error::new(ErrorKind::Full, "the memory store is set to keep no record"));
        }
        if bytes <= self.most.bytes {
            return Ok(());
        }
        let most = self.most.bytes;
        let message =
            format!("the record takes {bytes} bytes and the whole memory store has {most}; raise max_bytes");
        Err(Error::new(ErrorKind::TooLarge, message))
    }

    /// Whether there is that much room now.
    pub(super) fn has(&self, room: Room) -> bool {
        let taken = self.taken();
        taken.records + room.records <= self.most.records && taken.bytes + room.bytes <= self.most.bytes
    }

    /// Takes room, if there is that much.
    #[inline]
    pub(super) fn take(&self, room: Room) -> bool {
        if !add(&self.bytes, room.bytes, self.most.bytes) {
            return false;
        }
        let taken = add(&self.records, room.records, self.most.records);
        if !taken {
            self.bytes.fetch_sub(room.bytes, Ordering::Relaxed);
        }
        taken
    }

    /// Gives room back.
    pub(super) fn give_back(&self, room: Room) {
        self.bytes.fetch_sub(room.bytes, Ordering::Relaxed);
        self.records.fetch_sub(room.records, Ordering::Relaxed);
    }
}

#[inline]
fn add(taken: &AtomicU64, amount: u64, most: u64) -> bool {
    let sum = |taken: u64| taken.checked_add(amount).filter(|sum| *sum <= most);
    amount == 0 || taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok()
}
