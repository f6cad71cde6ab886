//! Goes through the old store, many records at a time.

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_tower::store::{Entry, Error, Result, Store, VersionedRecord};
use cloakroom_tower::stores::{MigrateOutcome, MigratingStore};
use futures_util::StreamExt;
use indicatif::ProgressBar;

use super::tally::Tally;

/// How many records are asked for at once.
const PAGE: usize = 500;
/// How long between two tries of a store that does not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// The stores, and how to go through them.
pub(super) struct Walk {
    pub(super) store: MigratingStore,
    pub(super) new: Arc<dyn Store>,
    pub(super) parallel: usize,
    pub(super) patience: Duration,
    pub(super) bar: ProgressBar,
}

impl Walk {
    /// Moves every record that is in the old store alone.
    pub(super) async fn round(&self) -> Result<Tally> {
        let (mut tally, mut after) = (Tally::default(), None);
        self.bar.set_position(0);
        loop {
            let page = self.patiently(async || self.store.remaining(after.as_ref(), PAGE).await).await?;
            let mut moves = futures_util::stream::iter(page.entries)
                .map(|entry| self.bring(entry))
                .buffer_unordered(self.parallel);
            while let Some(one) = moves.next().await {
                tally.add(&one?);
                self.bar.inc(1);
            }
            drop(moves);
            after = page.next;
            if after.is_none() {
                return Ok(tally);
            }
        }
    }

    async fn bring(&self, entry: Entry) -> Result<Tally> {
        let brought = match self.patiently(async || self.store.migrate_entry(&entry).await).await {
            // Of this record alone; the others move.
            Err(error) if is_of_the_record(&error) => {
                return Ok(Tally { kept: [name(&entry, &error)].into(), ..Tally::default() });
            }
            brought => brought?,
        };
        let MigrateOutcome::Moved(moved) = brought else { return Ok(Tally { ended: 1, ..Tally::default() }) };
        let there = self.patiently(async || self.new.load(&entry.key, None).await).await?;
        Ok(compare(&moved, there.as_ref()))
    }

    /// Brings to its end what other processes began and did not live to finish.
    pub(super) async fn finish(&self) -> Result<()> {
        // Where the new store cannot be scanned, the next process that reads such a record finishes it.
        if self.new.capabilities().scan.is_none() {
            return Ok(());
        }
        let mut after = None;
        loop {
            after =
                self.patiently(async || self.store.resume_interrupted(after.as_ref(), PAGE).await).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Asks again for as long as the store does not answer and patience lasts.
    async fn patiently<T>(&self, ask: impl AsyncFn() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        loop {
            match ask().await {
                Err(error) if is_passing(&error) && began.elapsed() < self.patience => {
                    tokio::time::sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }
}

fn is_of_the_record(error: &Error) -> bool {
    use cloakroom_tower::store::ErrorKind::{Corrupt, Invalid, TooLarge};
    matches!(error.kind(), Corrupt | Invalid | TooLarge)
}

/// Returns what tells a record from others, without its key: that may be a secret.
fn name(entry: &Entry, error: &Error) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(entry.key.as_bytes());
    let (tag, record) = (hasher.finish(), &entry.stored.record);
    let (bytes, expires_at) = (record.payload.len(), record.expires_at);
    format!("record {tag:016x}, {bytes} bytes, expires {expires_at:?}: {error}")
}

fn is_passing(error: &Error) -> bool {
    error.kind() == cloakroom_tower::store::ErrorKind::Unavailable
}

/// A record of the same version must be the same; one of another version is some request's own.
fn compare(moved: &VersionedRecord, there: Option<&VersionedRecord>) -> Tally {
    let moved_one = Tally { moved: 1, ..Tally::default() };
    match there {
        Some(stored) if stored.version != moved.version => Tally { changed: 1, ..moved_one },
        Some(stored) if is_same(stored, moved) => moved_one,
        Some(_) => Tally { wrong: 1, ..Tally::default() },
        None => Tally { ended: 1, ..Tally::default() },
    }
}

/// A touch may have moved the expiry later.
fn is_same(stored: &VersionedRecord, moved: &VersionedRecord) -> bool {
    let (stored, moved) = (&stored.record, &moved.record);
    stored.payload == moved.payload
        && stored.owner == moved.owner
        && stored.sliding == moved.sliding
        && stored.expires_at >= moved.expires_at
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_tower::store::{Record, Timestamp, Version};

    fn stored(payload: &'static str, version: u64) -> VersionedRecord {
        VersionedRecord::new(Record::new(payload, Timestamp::NEVER), Version::new(version))
    }

    #[test]
    fn what_is_read_back_is_compared() {
        let moved = stored("coat", 1);
        assert_eq!(compare(&moved, Some(&moved)).moved, 1);
        assert_eq!(compare(&moved, Some(&stored("hat", 2))).changed, 1);
        assert_eq!(compare(&moved, Some(&stored("hat", 1))).wrong, 1);
        assert_eq!(compare(&moved, None).ended, 1);
    }
}
