//! Removing what has expired, at a cost proportional to it.

use cloakroom_store::{Result, Swept, Timestamp};

use super::MemoryStore;
use super::deadlines::Line;
use super::entry::Entry;
use super::shard::{Contents, Shard};

/// What a sweep did, and how much work that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sweeping {
    pub(super) swept: Swept,
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
    /// Nothing in the line is expired.
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
        let mut all = Sweeping { swept: Swept::NOTHING, looked: 0 };
        for (shard, line) in self.due(now) {
            self.sweep_line(shard, line, now, limit, &mut all)?;
            if all.swept.more {
                break;
            }
        }
        Ok(all)
    }

    /// Removes an expired record or several, if it finds one with few looks; says whether it did.
    pub(super) fn sweep_a_little(&self, shard: &Shard, line: Line, now: Timestamp) -> Result<bool> {
        let batch = shard.write()?.sweep(line, now, BATCH);
        batch.removed.iter().try_for_each(|entry| self.forget(entry))?;
        Ok(!batch.removed.is_empty())
    }

    /// The lines whose first records may be expired.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = (&Shard, Line)> {
        let lines = |shard| Line::ALL.map(|line| (shard, line));
        self.shards.iter().flat_map(lines).filter(move |(shard, line)| shard.is_due(*line, now))
    }

    fn sweep_line(
        &self,
        shard: &Shard,
        line: Line,
        now: Timestamp,
        limit: usize,
        all: &mut Sweeping,
    ) -> Result<()> {
        loop {
            let batch = shard.write()?.sweep(line, now, limit - all.swept.removed);
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
    /// Removes up to `limit` expired entries of a line, and puts those that were touched where they belong.
    fn sweep(&mut self, line: Line, now: Timestamp, limit: usize) -> Batch {
        let mut batch = Batch { removed: Vec::new(), looked: 0, end: End::Clean };
        while let Some(first) = self.first_due(line, now) {
            if !self.sweep_bucket(first, now, limit, &mut batch) {
                break;
            }
        }
        batch
    }

    /// Goes through the bucket that begins with entry `first`; says whether nothing of it is left.
    ///
    /// Only the bucket of the present second can hold entries that stay in it. After the first of them there is no
    /// pause, which would only look at the same ones again.
    fn sweep_bucket(&mut self, first: u32, now: Timestamp, limit: usize, batch: &mut Batch) -> bool {
        let (mut at, mut left) = (Some(first), false);
        while let Some(number) = at {
            if batch.looked >= BATCH && !left {
                batch.end = End::Pause;
                return false;
            }
            at = self.next_in_bucket(number);
            batch.looked += 1;
            if self.catch_up(number) {
                continue;
            }
            if self.entry(number).expiry.live_at(now).is_some() {
                left = true;
                continue;
            }
            if batch.removed.len() == limit {
                batch.end = End::Limit;
                return false;
            }
            // The last entry gets the number of the removed one.
            at = at.map(|next| if next as usize == self.len() - 1 { number } else { next });
            batch.removed.extend(self.remove(number));
        }
        !left
    }
}
