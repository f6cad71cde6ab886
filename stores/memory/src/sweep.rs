//! Removes what has expired, at a cost proportional to the number of expired records.

use cloakroom_store::{Result, SweepStats, Timestamp};

use super::MemoryStore;
use super::entry::Entry;
use super::expiry_wheel::{Class, Second};
use super::shard::{Contents, Shard};

/// What a sweep did, and how much work that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sweeping {
    pub(super) swept: SweepStats,
    /// How many entries it looked at.
    pub(super) looked: usize,
}

/// What was done under one hold of a shard's lock.
struct Batch {
    /// Dropped after the lock is given back.
    removed: Vec<Entry>,
    looked: usize,
    end: End,
}

/// Why a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nothing in the class is expired.
    Clean,
    /// It has held the lock for long enough.
    Pause,
    /// It has removed as many as it may, and there is another expired one.
    Limit,
}

/// How many entries are looked at under one hold of a shard's lock.
pub(super) const BATCH: usize = 64;

impl MemoryStore {
    pub(super) fn sweep_now(&self, limit: usize) -> Result<Sweeping> {
        let now = self.clock.now();
        self.owners.forget_revocations(now)?;
        let mut all = Sweeping { swept: SweepStats::NOTHING, looked: 0 };
        for (shard, class) in self.due(now) {
            self.sweep_class(shard, class, now, limit, &mut all)?;
            if all.swept.more {
                break;
            }
        }
        Ok(all)
    }

    /// Removes an expired record or several, if it finds one with few looks; says whether it did.
    pub(super) fn sweep_a_little(&self, shard: &Shard, class: Class, now: Timestamp) -> Result<bool> {
        let batch = shard.write()?.sweep(class, now, BATCH);
        batch.removed.iter().try_for_each(|entry| self.forget(entry))?;
        Ok(!batch.removed.is_empty())
    }

    /// Returns the classes whose first records may be expired.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = (&Shard, Class)> {
        let classes = |shard| Class::ALL.map(|class| (shard, class));
        self.shards.iter().flat_map(classes).filter(move |(shard, class)| shard.is_due(*class, now))
    }

    fn sweep_class(
        &self,
        shard: &Shard,
        class: Class,
        now: Timestamp,
        limit: usize,
        all: &mut Sweeping,
    ) -> Result<()> {
        loop {
            let batch = shard.write()?.sweep(class, now, limit - all.swept.removed);
            batch.removed.iter().for_each(|entry| all.swept.count(entry.sliding));
            all.looked += batch.looked;
            batch.removed.iter().try_for_each(|entry| self.forget(entry))?;
            match batch.end {
                End::Clean => return Ok(()),
                End::Pause => {}
                End::Limit => {
                    all.swept.more = true;
                    return Ok(());
                }
            }
        }
    }
}

impl Contents {
    /// Removes up to `limit` expired entries of a class, and puts those that were touched where they belong.
    fn sweep(&mut self, class: Class, now: Timestamp, limit: usize) -> Batch {
        let mut batch = Batch { removed: Vec::new(), looked: 0, end: End::Clean };
        while let Some(len) = self.first_due(class, now) {
            if !self.sweep_first(class, len, now, limit, &mut batch) {
                break;
            }
        }
        batch
    }

    /// Goes through the `len` entries of the first slot, the last one first; says whether nothing of it is left.
    ///
    /// Only the slot of the present second can hold entries that stay in it. After the first of them there is no
    /// pause, which would only look at the same ones again.
    fn sweep_first(
        &mut self,
        class: Class,
        len: usize,
        now: Timestamp,
        limit: usize,
        batch: &mut Batch,
    ) -> bool {
        let mut left = false;
        for at in (0..len).rev() {
            if batch.looked >= BATCH && !left {
                batch.end = End::Pause;
                return false;
            }
            // What was removed was replaced by one that stays.
            let Some(number) = self.in_first(class, at) else { continue };
            batch.looked += 1;
            match self.entry(number).expiry.live_at(now) {
                Some(expires_at) if self.entry(number).place.begin() < Second::of(expires_at) => {
                    self.catch_up(number, Second::of(now));
                }
                Some(_) => left = true,
                None if batch.removed.len() == limit => {
                    batch.end = End::Limit;
                    return false;
                }
                None => batch.removed.extend(self.remove(number)),
            }
        }
        !left
    }
}
