//! Goes through the old store, many records at a time.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_tower::cloakroom::format::{MemberKind, Payload};
use cloakroom_tower::store::{Entry, Error, ErrorKind, Record, Result, Store, VersionedRecord};
use cloakroom_tower::stores::{MigrateOutcome, MigratingStore};
use futures_util::StreamExt;
use indicatif::ProgressBar;

use super::side::Form;
use super::tally::Tally;

/// How many records are asked for at once.
const PAGE: usize = 500;
/// How long between two tries of a store that does not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// The stores, and how to go through them.
pub(super) struct Walk {
    pub(super) store: MigratingStore,
    pub(super) new: Arc<dyn Store>,
    pub(super) old_form: Form,
    pub(super) new_form: Form,
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
        if self.old_form == Form::Body && Payload::decode(&entry.stored.record.payload).is_none() {
            let error = Error::new(ErrorKind::Corrupt, "its body cannot be read");
            return Ok(Tally { kept: [name(&entry, &error)].into(), ..Tally::default() });
        }
        let brought = match self.patiently(async || self.store.migrate_entry(&entry).await).await {
            // Of this record alone; the others move.
            Err(error) if is_of_the_record(&error) => {
                return Ok(Tally { kept: [name(&entry, &error)].into(), ..Tally::default() });
            }
            brought => brought?,
        };
        let MigrateOutcome::Moved(moved) = brought else { return Ok(Tally { ended: 1, ..Tally::default() }) };
        let there = self.patiently(async || self.new.load(&entry.key, None).await).await?;
        Ok(compare(&moved, there.as_ref(), self.new_form))
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
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Invalid | ErrorKind::TooLarge)
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
    error.kind() == ErrorKind::Unavailable
}

/// A record of the same version must be the same; one of another version is some request's own.
fn compare(moved: &VersionedRecord, there: Option<&VersionedRecord>, form: Form) -> Tally {
    let moved_one = Tally { moved: 1, ..Tally::default() };
    match there {
        Some(stored) if stored.version != moved.version => Tally { changed: 1, ..moved_one },
        Some(stored) if is_same(&stored.record, &moved.record, form) => moved_one,
        Some(_) => Tally { wrong: 1, ..Tally::default() },
        None => Tally { ended: 1, ..Tally::default() },
    }
}

/// A touch may have moved the expiry later.
fn is_same(stored: &Record, moved: &Record, form: Form) -> bool {
    match form {
        Form::Bytes => {
            stored.payload == moved.payload
                && stored.owner == moved.owner
                && stored.sliding == moved.sliding
                && stored.expires_at >= moved.expires_at
        }
        Form::Body => {
            let owner = |record: &Record| record.owner.as_ref().map(|owner| owner.key.clone());
            values(stored) == values(moved)
                && owner(stored) == owner(moved)
                && stored.expires_at + BODIES_ROUND >= moved.expires_at
        }
    }
}

/// By how much a layout may round an expiry down.
const BODIES_ROUND: Duration = Duration::from_secs(1);

/// Returns what handlers see of a session, but for what names its user; nothing for a redirect.
fn values(record: &Record) -> Option<BTreeSet<(String, Vec<u8>)>> {
    match Payload::decode(&record.payload)? {
        Payload::Session(_, members) => {
            let seen = members.iter().filter(|member| member.kind == MemberKind::Value);
            let seen = seen.filter(|member| member.key != "passport");
            Some(seen.map(|member| (member.key.to_owned(), member.value.to_vec())).collect())
        }
        Payload::Redirect(_) => Some(BTreeSet::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_tower::cloakroom::format::{Facts, PayloadBuilder};
    use cloakroom_tower::store::{Timestamp, Version};

    fn stored(payload: &'static str, version: u64) -> VersionedRecord {
        VersionedRecord::new(Record::new(payload, Timestamp::NEVER), Version::new(version))
    }

    #[test]
    fn what_is_read_back_is_compared() {
        let moved = stored("coat", 1);
        let compare = |there: Option<&VersionedRecord>| compare(&moved, there, Form::Bytes);
        assert_eq!(compare(Some(&moved)).moved, 1);
        let (newer, other) = (stored("hat", 2), stored("hat", 1));
        assert_eq!(compare(Some(&newer)).changed, 1);
        assert_eq!(compare(Some(&other)).wrong, 1);
        assert_eq!(compare(None).ended, 1);
    }

    /// A session with these values, which began at this moment.
    fn session(began: u64, values: &[(&str, &str)]) -> VersionedRecord {
        let facts = Facts::new(Timestamp::from_millis(began), [1; 16], [2; 16]);
        let mut payload = PayloadBuilder::new(&facts, 0);
        for (key, value) in values {
            payload.add(MemberKind::Value, key, value.as_bytes());
        }
        let record = Record::new(payload.finish(), Timestamp::from_millis(5_600));
        VersionedRecord::new(record, Version::new(1))
    }

    #[test]
    fn bodies_are_compared_by_their_values() {
        let moved = session(1, &[("a", "1"), ("b", "2")]);
        let compare = |there: &VersionedRecord| compare(&moved, Some(there), Form::Body).wrong;
        assert_eq!(compare(&session(2, &[("b", "2"), ("a", "1"), ("passport", "{}")])), 0);
        assert_eq!(compare(&session(1, &[("a", "1"), ("b", "3")])), 1, "another value");
        assert_eq!(compare(&session(1, &[("a", "1")])), 1, "a value less");
        let until = |millis| {
            let mut there = moved.clone();
            there.record.expires_at = Timestamp::from_millis(millis);
            there
        };
        assert_eq!((compare(&until(5_000)), compare(&until(4_599))), (0, 1), "seconds are rounded");
    }
}
