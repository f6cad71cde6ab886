//! Removes records that have expired or were revoked, and damaged files.
//!
//! There is no index of expiries, as it would cost every write: a sweep reads the head of every record, going
//! through the 256 shards from where the last one ended. In one shard a call it also reads the records whole, checks
//! that their owners are noted, and tidies up the owners of the shard of the same number; so all of that is done once in 256 calls.

use std::fs;
use std::sync::atomic::{AtomicU8, Ordering};

use cloakroom_store::{Owner, SweepStats};

use super::disk;
use super::folder::Folder;
use super::layout::Name;
use super::trouble::Trouble;

/// So many records are removed under one lock, so that writers do not wait long.
const BATCH: usize = 64;

/// Where the next sweep begins; it does no harm if two sweeps at once use the same.
#[derive(Debug)]
pub(super) struct Rounds {
    /// The shard where expired records are looked for first.
    expiry: AtomicU8,
    /// The shard that is looked through thoroughly.
    thorough: AtomicU8,
}

impl Rounds {
    /// Begins anywhere, so that processes which never live long look through all shards together.
    pub(super) fn new() -> Result<Self, Trouble> {
        let first = getrandom::u32().map_err(Trouble::NoRandom)?.to_le_bytes()[0];
        Ok(Self { expiry: AtomicU8::new(first), thorough: AtomicU8::new(first) })
    }
}

/// What to do about a record.
enum Verdict {
    /// It is live, or gone already, or of another format.
    Keep(Option<Owner>),
    /// It has expired or was revoked. `ran_out` means that it was a sliding record and was not revoked.
    Remove { owner: Option<Owner>, ran_out: bool },
    /// It cannot be read.
    SetAside,
}

/// How closely to look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Whether the head can be read, and the expiry.
    Head,
    /// Every byte, and whether the owner is noted or was revoked.
    Whole,
}

/// Passes over a shard whose lock another process holds for too long.
fn unless_busy(swept: Result<SweepStats, Trouble>) -> Result<SweepStats, Trouble> {
    if matches!(swept, Err(Trouble::Busy)) { Ok(SweepStats::NOTHING) } else { swept }
}

impl Folder {
    pub(super) fn sweep(&self, limit: usize) -> Result<SweepStats, Trouble> {
        if limit == 0 {
            return Ok(SweepStats::NOTHING);
        }
        let thorough = self.rounds.thorough.fetch_add(1, Ordering::Relaxed);
        let mut swept = unless_busy(self.look_through(thorough, limit))?;
        let first = self.rounds.expiry.load(Ordering::Relaxed);
        for step in 0..=u8::MAX {
            let shard = first.wrapping_add(step);
            if swept.removed >= limit {
                self.rounds.expiry.store(shard, Ordering::Relaxed);
                return Ok(swept.with_more(true));
            }
            // A shard that cannot be read must not keep the next sweep from the others.
            self.rounds.expiry.store(shard.wrapping_add(1), Ordering::Relaxed);
            swept += unless_busy(self.sweep_shard(shard, Depth::Head, limit - swept.removed))?;
        }
        Ok(swept.with_more(swept.removed >= limit))
    }

    /// Tidies up a shard of owners, and sweeps a shard of records thoroughly.
    pub(super) fn look_through(&self, shard: u8, limit: usize) -> Result<SweepStats, Trouble> {
        self.tidy_owners(shard)?;
        self.sweep_shard(shard, Depth::Whole, limit)
    }

    /// Removes up to `limit` dead records.
    fn sweep_shard(&self, shard: u8, depth: Depth, limit: usize) -> Result<SweepStats, Trouble> {
        let names = self.names_of_records(shard)?;
        if names.iter().any(|name| name == "next") {
            let _lock = self.lock_records(shard)?;
            disk::remove_if_there(&self.next_record(shard))?;
        }
        let (mut due, mut trouble) = (Vec::new(), None);
        for name in names.iter().filter_map(|name| Name::parse(name)) {
            match self.is_due(&name, depth) {
                Ok(true) => due.push(name),
                Ok(false) => {}
                // One file that cannot be read must not keep the others.
                Err(found) => trouble = Some(found),
            }
            if due.len() == limit {
                break;
            }
        }
        let mut swept = SweepStats::NOTHING;
        for batch in due.chunks(BATCH) {
            swept += self.remove_batch(shard, depth, batch)?;
        }
        trouble.map_or(Ok(swept), Err)
    }

    /// Returns whether something is to be done about the record; mends what can be mended without removing it.
    fn is_due(&self, name: &Name, depth: Depth) -> Result<bool, Trouble> {
        match self.judge(name, depth)? {
            Verdict::Keep(Some(owner)) if depth == Depth::Whole => {
                self.heal_note(&owner, name).map(|()| false)
            }
            Verdict::Keep(_) => Ok(false),
            Verdict::Remove { .. } | Verdict::SetAside => Ok(true),
        }
    }

    /// Looks again under the lock, and acts.
    fn remove_batch(&self, shard: u8, depth: Depth, batch: &[Name]) -> Result<SweepStats, Trouble> {
        let _lock = self.lock_records(shard)?;
        let mut swept = SweepStats::NOTHING;
        for name in batch {
            match self.judge(name, depth)? {
                Verdict::Keep(_) => {}
                Verdict::SetAside => fs::rename(self.record(name), self.damaged(name))?,
                Verdict::Remove { owner, ran_out } => {
                    fs::remove_file(self.record(name))?;
                    self.forget_owner(owner.as_ref(), name);
                    swept.count(ran_out);
                }
            }
        }
        Ok(swept)
    }

    fn judge(&self, name: &Name, depth: Depth) -> Result<Verdict, Trouble> {
        let head = match depth {
            Depth::Head => self.head(name),
            Depth::Whole => self.checked_head(name),
        };
        let head = match head {
            Ok(Some(head)) => head,
            Ok(None) | Err(Trouble::OtherFormat) => return Ok(Verdict::Keep(None)),
            Err(Trouble::Damaged) => return Ok(Verdict::SetAside),
            Err(trouble) => return Err(trouble),
        };
        let expired = head.expires_at <= self.clock.now();
        if expired || depth == Depth::Whole && self.is_surely_revoked(head.owner.as_ref())? {
            return Ok(Verdict::Remove { owner: head.owner, ran_out: expired && head.sliding });
        }
        Ok(Verdict::Keep(head.owner))
    }
}
