//! Making room when the store is full. What is dropped first is said on [`MemoryStore`].

use cloakroom_store::{Error, ErrorKind, Result, StoreKey, Timestamp};

use super::MemoryStore;
use super::budget::Room;
use super::deadlines::{Bucket, Line};
use super::entry::Entry;
use super::shard::Looked;
use super::sync::{self, Ordering};

/// How many touched records are passed over for the sake of one that was not.
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
            || self.drop_nearest(Line::Unowned, spare, now)?
            || self.drop_nearest(Line::Owned, spare, now)?)
    }

    /// Drops records that expired before the present second began: nothing stays in the buckets before it, so no
    /// look is in vain.
    fn drop_expired(&self, now: Timestamp) -> Result<bool> {
        let past = Bucket::of(now).end_of_previous();
        for (shard, line) in self.due(past).take(SWEEPS) {
            if self.sweep_a_little(shard, line, past)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drops the record of the line that is nearest to its expiry.
    fn drop_nearest(&self, line: Line, spare: &StoreKey, now: Timestamp) -> Result<bool> {
        let (mut nearest, mut nobody): (Option<Candidate>, _) = (None, None);
        for _ in 0..LOOKS {
            let Some(shard) = self.shard_with_first(line, nobody) else { break };
            let looked = self.shards[shard].write()?.look_at_first(line, spare);
            match looked {
                Looked::Dropped(entry) => return self.settle_drop(&entry, now),
                Looked::Moved { key, expires_at } => {
                    nearest = nearest.filter(|best| best.expires_at <= expires_at);
                    nearest.get_or_insert(Candidate { expires_at, key });
                }
                Looked::Nobody => nobody = Some(shard),
            }
        }
        nearest.map_or(Ok(false), |candidate| self.drop_candidate(&candidate, line, now))
    }

    /// Drops a record that was passed over, unless it was changed since; then room may have been made otherwise.
    fn drop_candidate(&self, candidate: &Candidate, line: Line, now: Timestamp) -> Result<bool> {
        let place = self.place(&candidate.key);
        let mut contents = place.shard.write()?;
        let number = contents.number(place.hash, &candidate.key);
        let same = |number: &u32| {
            let entry = contents.entry(*number);
            entry.line() == line && entry.expiry.peek() == candidate.expires_at
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

    /// The shard whose first bucket of the line is the earliest, but not shard `except`.
    fn shard_with_first(&self, line: Line, except: Option<usize>) -> Option<usize> {
        let front = |shard: usize| Some((self.shards[shard].fronts.get(line)?, shard));
        let fronts = (0..self.shards.len()).filter(|shard| Some(*shard) != except).filter_map(front);
        fronts.min().map(|(_, shard): (Bucket, usize)| shard)
    }
}
