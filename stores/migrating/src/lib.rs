#![doc = include_str!("../README.md")]

mod capabilities;
mod marks;
mod settle;
mod store;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_store::{Cursor, Entry, Error, ErrorKind, Result, Store, StoreKey, Version, VersionedRecord};

use self::marks::Found;

/// Moves records from an old store to a new one while sessions are in use.
///
/// It keeps the whole contract over the two: no write is lost, no user is logged out, and what ended stays ended, in
/// whichever store it was. A record moves when a request asks for it, or by a call of [`migrate_key`](Self::migrate_key).
///
/// # In what order to deploy
/// 1. Every process gets [`MigratingStore::read_through`]: it writes to the old store, and finds what has moved.
/// 2. Then every process gets [`MigratingStore::write_through`]: it writes to the new store, and moves what it finds in the old
///    one. Processes of the first kind may still run meanwhile; none on the old store alone may.
/// 3. `cloakroom migrate OLD NEW` moves the records that no request asked for.
/// 4. Every process gets the new store alone.
///
/// Where a single process serves, and may stop for a moment, the first step can be left out.
///
/// # What it does not do
/// If a process of step 1 and one of step 2 create a record under the same key at the same moment, both may get the answer
/// that theirs was the first. Keys are made from ids of 256 random bits, so no two processes ever do.
///
/// # What it costs
/// A record that has moved costs as much as in the new store alone. To find that a record is missing takes two trips, or
/// three after one has moved and ended. To move one takes five trips, once. `count` goes through all records.
///
/// # How a record moves
/// 1. A copy is put into the new store, marked as such. No request sees it.
/// 2. The old record is replaced, under its version, by a mark that names the copy. At this moment the record has moved; of any
///    number of processes that try, one succeeds.
/// 3. The copy becomes a record.
///
/// A process that finds a copy looks for its mark in the old store. If the mark is there, the process finishes the move;
/// otherwise the copy is void. The mark outlives the record, so a session that has ended in the new store is never moved
/// again, however late a process read it in the old one.
///
/// ```
/// use cloakroom_store::{Record, Store, StoreKey, Timestamp};
/// use cloakroom_memory::MemoryStore;
/// use cloakroom_migrating::MigratingStore;
/// use std::{sync::Arc, time::Duration};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cloakroom_store::Result<()> {
/// let (old, new) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
/// let key = StoreKey::from_hash([7; 32]);
/// let coat = Record::new("coat", Timestamp::now() + Duration::from_secs(60));
/// let _created = old.create(&key, &coat).await?;
///
/// let store = MigratingStore::write_through(old, new.clone());
/// assert_eq!(store.load(&key, None).await?.unwrap().record, coat);
/// assert_eq!(new.load(&key, None).await?.unwrap().record, coat);
/// # Ok(())
/// # }
/// ```
pub struct MigratingStore {
    old: Arc<dyn Store>,
    new: Arc<dyn Store>,
    phase: Phase,
    /// Numbers this process's moves, from a random start.
    moves: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Following,
    Moving,
}

/// The result of bringing a record to the new store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrateOutcome {
    /// It is in the new store, as it is there now.
    Moved(VersionedRecord),
    /// Neither store holds it: it expired or ended.
    NotFound,
}

/// Records that are still in the old store alone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Remaining {
    /// Their keys, and how they were when looked at.
    pub entries: Vec<Entry>,
    /// Where to go on, or `None` at the end.
    pub next: Option<Cursor>,
}

impl MigratingStore {
    /// Writes to the old store, and follows records that others have moved.
    ///
    /// # Panics
    /// If the operating system gives no random bytes.
    pub fn read_through(old: Arc<dyn Store>, new: Arc<dyn Store>) -> Self {
        Self::in_phase(Phase::Following, old, new)
    }

    /// Writes to the new store, and moves what it meets in the old one.
    ///
    /// # Panics
    /// If the operating system gives no random bytes.
    pub fn write_through(old: Arc<dyn Store>, new: Arc<dyn Store>) -> Self {
        Self::in_phase(Phase::Moving, old, new)
    }

    fn in_phase(phase: Phase, old: Arc<dyn Store>, new: Arc<dyn Store>) -> Self {
        let start = getrandom::u64()
            .expect("an operating system that gives no random bytes can give no session ids either");
        Self { old, new, phase, moves: AtomicU64::new(start) }
    }

    /// Moves the record under `key`, if that is still in the old store.
    ///
    /// # Errors
    /// If one of the stores fails; asking again goes on where it stopped.
    pub async fn migrate_key(&self, key: &StoreKey) -> Result<MigrateOutcome> {
        Ok(self.settle(key).await?.map_or(MigrateOutcome::NotFound, MigrateOutcome::Moved))
    }

    /// Moves a record that [`remaining`](Self::remaining) has just shown, in four trips if it is as it was then.
    ///
    /// # Errors
    /// If one of the stores fails; asking again goes on where it stopped.
    pub async fn migrate_entry(&self, entry: &Entry) -> Result<MigrateOutcome> {
        Ok(self.settle_seen(entry).await?.map_or(MigrateOutcome::NotFound, MigrateOutcome::Moved))
    }

    /// Returns a page of the records that are still in the old store alone.
    ///
    /// # Errors
    /// If the old store fails, or [`Invalid`](ErrorKind::Invalid) if it cannot be scanned.
    pub async fn remaining(&self, after: Option<&Cursor>, limit: usize) -> Result<Remaining> {
        let page = scan_of(&*self.old, "old")?.scan(after, limit).await?;
        let is_plain = |stored: &VersionedRecord| matches!(marks::read(stored.clone()), Found::Plain(_));
        let entries = page.entries.into_iter().filter(|entry| is_plain(&entry.stored)).collect();
        Ok(Remaining { entries, next: page.next })
    }

    /// Brings moves to their end that a process began and did not live to finish; says where to go on.
    ///
    /// # Errors
    /// If one of the stores fails, or [`Invalid`](ErrorKind::Invalid) if the new one cannot be scanned.
    pub async fn resume_interrupted(&self, after: Option<&Cursor>, limit: usize) -> Result<Option<Cursor>> {
        let page = scan_of(&*self.new, "new")?.scan(after, limit).await?;
        for entry in page.entries {
            if marks::is_reserved(&entry.stored.record.payload) {
                self.settle(&entry.key).await?;
            }
        }
        Ok(page.next)
    }

    fn next_move(&self) -> u64 {
        self.moves.fetch_add(1, Ordering::Relaxed)
    }
}

/// Keeps the versions of the old store apart from those of the new one, be they small numbers or random ones.
const OLD: u64 = 0xb1d6_6c2f_93e8_05a7;

/// Converts a version of the old store to one of this store, and back.
fn masked(version: Version) -> Version {
    Version::new(version.get() ^ OLD)
}

fn scan_of<'a>(store: &'a dyn Store, which: &str) -> Result<&'a dyn cloakroom_store::Scan> {
    store.capabilities().scan.ok_or_else(|| {
        Error::new(ErrorKind::Invalid, format!("the {which} store cannot go through its records"))
    })
}

impl fmt::Debug for MigratingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigratingStore")
            .field("old", &self.old)
            .field("new", &self.new)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}
