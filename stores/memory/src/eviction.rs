//! How much the store may hold, and which records are evicted when it is full. The order is documented on [`MemoryStore`].

use cloakroom_store::{Error, ErrorKind, Result, StoreKey, Timestamp};

use super::MemoryStore;
use super::entry::Entry;
use super::expiry_wheel::{Class, Second};
use super::shard::Looked;
use super::sync::{self, AtomicU64, Ordering};

/// How many touched records are skipped for the sake of one that was not.
pub(super) const LOOKS: usize = 32;
/// How many lines are looked through, to the length of a batch, for expired records.
const SWEEPS: usize = 4;

/// How often a write without room waits for others that are under way.
const PATIENCE: usize = 1_000;

/// A record that may be dropped.
struct Candidate {
    expires_at: Timestamp,
    key: StoreKey,
}

impl MemoryStore {
    /// Drops records until there is `room`, but not the one under `spare`. No lock may be held.
    ///
    /// If there is nothing to drop, the room is about to be given back, or to be filled with what can be dropped, by
    /// other threads: it waits for them.
    pub(super) fn make_room(&self, room: Room, spare: &StoreKey, now: Timestamp) -> Result<()> {
        let mut patience = PATIENCE;
        while !self.budget.has(room) {
            if !self.drop_one(spare, now)? {
                let less = patience.checked_sub(1);
                patience = less.ok_or_else(|| Error::new(ErrorKind::Full, "the memory store has no room"))?;
                sync::yield_now();
            }
        }
        Ok(())
    }

    fn drop_one(&self, spare: &StoreKey, now: Timestamp) -> Result<bool> {
        Ok(self.drop_expired(now)?
            || self.drop_nearest(Class::Unowned, spare, now)?
            || self.drop_nearest(Class::Owned, spare, now)?)
    }

    /// Drops records that expired before the present second began: nothing stays in the slots before it, so no
    /// look is in vain.
    fn drop_expired(&self, now: Timestamp) -> Result<bool> {
        let past = Second::of(now).end_of_previous();
        for (shard, class) in self.due(past).take(SWEEPS) {
            if self.sweep_a_little(shard, class, past)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drops the record of the class that is nearest to its expiry.
    fn drop_nearest(&self, class: Class, spare: &StoreKey, now: Timestamp) -> Result<bool> {
        let (mut nearest, mut skipped): (Option<Candidate>, _) = (None, None);
        for _ in 0..LOOKS {
            let Some(shard) = self.shard_with_first(class, skipped) else { break };
            let looked = self.shards[shard].write()?.look_at_first(class, spare);
            match looked {
                Looked::Dropped(entry) => return self.settle_drop(&entry, now),
                Looked::Moved { key, expires_at } => {
                    nearest = nearest.filter(|best| best.expires_at <= expires_at);
                    nearest.get_or_insert(Candidate { expires_at, key });
                }
                Looked::Nothing => skipped = Some(shard),
            }
        }
        nearest.map_or(Ok(false), |candidate| self.drop_candidate(&candidate, class, now))
    }

    /// Drops a record that was skipped, unless it was changed since; then room may have been made otherwise.
    fn drop_candidate(&self, candidate: &Candidate, class: Class, now: Timestamp) -> Result<bool> {
        let place = self.place(&candidate.key);
        let mut contents = place.shard.write()?;
        let number = contents.number(place.hash, &candidate.key);
        let same = |number: &u32| {
            let entry = contents.entry(*number);
            entry.class() == class && entry.expiry.peek() == candidate.expires_at
        };
        let Some(number) = number.filter(same) else { return Ok(true) };
        let removed = contents.remove(number);
        drop(contents);
        removed.map_or(Ok(true), |entry| self.settle_drop(&entry, now))
    }

    /// Counts what was dropped if it was live, and settles what it leaves behind. Room was made.
    fn settle_drop(&self, entry: &Entry, now: Timestamp) -> Result<bool> {
        let live = entry.expiry.live_at(now).is_some();
        self.dropped.fetch_add(u64::from(live), Ordering::Relaxed);
        self.forget(entry)?;
        Ok(true)
    }

    /// Returns the shard whose first slot of the class is the earliest, but not shard `except`.
    fn shard_with_first(&self, class: Class, except: Option<usize>) -> Option<usize> {
        let front = |shard: usize| Some((self.shards[shard].fronts.get(class)?, shard));
        let fronts = (0..self.shards.len()).filter(|shard| Some(*shard) != except).filter_map(front);
        fronts.min().map(|(_, shard): (Second, usize)| shard)
    }
}

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

    /// Returns whether there is that much room now.
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
