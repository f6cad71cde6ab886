#![doc = include_str!("../README.md")]

mod disk;
mod folder;
mod layout;
mod lock;
mod options;
mod owners;
mod records;
mod scan;
mod sweep;
#[cfg(test)]
mod tests;
mod trouble;
mod turns;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Capabilities, CreateOutcome, Cursor, Error, ErrorKind, HeadPage, MissedTouches, OwnerKey, Owners, Page,
    Record, Result, Scan, Store, StoreKey, Sweep, SweepStats, Timestamp, Touch, UpdateOutcome, Version,
    VersionedRecord, async_trait,
};
use tokio::runtime::Handle;

use folder::Folder;
use trouble::Trouble;
use turns::{Needs, Turns};

pub use disk::Durability;
pub use options::FileStoreBuilder;

/// Keeps each record in a file of its own, in a folder on a local disk.
///
/// For an application on one machine that wants nothing but a folder: a few processes may share it, in any number of
/// handles, and any of them may be killed at any time. Clones are handles to the same store.
///
/// ```
/// use cloakroom_file::FileStore;
/// use cloakroom_store::{Record, Store, StoreKey, Timestamp};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cloakroom_store::Result<()> {
/// # let parent = tempfile::tempdir().unwrap();
/// # let folder = parent.path().join("sessions");
/// let store = FileStore::open(&folder).await?;
/// let key = StoreKey::from_hash([7; 32]);
/// let _ = store.create(&key, &Record::new("cart=3", Timestamp::NEVER)).await?;
///
/// let again = FileStore::open(&folder).await?; // another handle, or another process
/// assert_eq!(again.load(&key, None).await?.unwrap().record.payload, "cart=3");
/// # Ok(())
/// # }
/// ```
///
/// # What survives
/// A write that was answered survives the death of the process and, unless [`Durability::Process`] is chosen, of the
/// machine. A write that was not answered is there as a whole, or it is not there. Nothing has to be repaired afterwards: the
/// kernel releases a dead process's locks, and an unfinished file is replaced by the next write or removed by a sweep.
///
/// # What it costs
/// A load reads one file, and a second small one if the record has an owner. A write waits for the disk twice (for the
/// file, for its name), up to five times if it makes an owner's folder; a touch and a delete wait once. A
/// [sweep](Sweep) opens every record, as there is no index; call it every few minutes. A handle has at most
/// 64 writes under way, the others wait for their turn. One lock covers 1/256 of the keys. A process that is *stopped*,
/// not dead, while it holds one keeps writers of those keys waiting, for [5 seconds](FileStoreBuilder::lock_timeout) at
/// most; then they fail as [`ErrorKind::Unavailable`]. Reads, and writes of other keys, go on, and a sweep passes over. A touch that rides on
/// a load and cannot be written leaves the record as it is; the load is answered.
///
/// # The folder
/// Made by [`open`](Self::open), readable for its user only; a folder that holds anything else is refused. Local
/// disks only: the locks of network file systems cannot be relied on. Nothing else may remove files from it, the empty
/// ones in `locks` included, so it has no place in `/tmp`. A backup may copy it while it is in use, and restores
/// sessions that have ended since. File names are hashes; keys and owners are in the files in clear.
///
/// # Damage
/// Every file has checksums. A damaged record is [`ErrorKind::Corrupt`] in every operation, and its key cannot be
/// used again, until a sweep moves it to the sub-folder `damaged`: at once if its head is damaged, within 256 sweeps
/// if only its payload is. An update replaces a damaged payload.
/// [`revoke`](Owners::revoke) skips a damaged record, and a [`list`](Owners::list) shows a record whose payload is damaged.
/// A damaged revocation counts as one of everything up to the moment at which it is found.
///
/// # Limits
/// A page of a [`list`](Owners::list) reads the names of all of the owner's records, as a folder cannot be read from the
/// middle, and the first bytes of those on the page. [`clear`](Scan::clear) is one atomic step for each 1/256 of the keys, not
/// for all. A record that is being replaced takes room twice; on a full disk a write is refused with [`ErrorKind::Full`], and
/// the record that was there stays.
#[derive(Clone)]
pub struct FileStore {
    folder: Arc<Folder>,
    turns: Turns,
    missed_touches: MissedTouches,
}

impl FileStore {
    /// How many bytes a payload may have unless [set otherwise](FileStoreBuilder::max_payload_bytes): 16 MiB.
    pub const MAX_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;

    /// Opens the store in `folder` with the default choices, making the folder if it is missing.
    ///
    /// # Errors
    /// As [`FileStoreBuilder::build`].
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::builder(folder).build().await
    }

    /// Sets options for the folder that `url` names: `file:PATH?name=value&…`, with `durability=machine|process`,
    /// `max_payload_bytes`, `create_if_missing` and `lock_timeout=5s`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the URL or a setting cannot be right.
    pub fn from_url(url: &str) -> Result<FileStoreBuilder> {
        FileStoreBuilder::from_url(url)
    }

    /// Begins to open the store in `folder` with other choices.
    pub fn builder(folder: impl Into<PathBuf>) -> FileStoreBuilder {
        FileStoreBuilder::new(folder.into())
    }

    fn new(folder: Folder, patience: Duration) -> Self {
        Self {
            folder: Arc::new(folder),
            turns: Turns::new(patience),
            missed_touches: MissedTouches::default(),
        }
    }

    /// Makes a change when it is its turn. Once begun it is done to its end, even if the caller drops the future.
    async fn change<T: Send + 'static>(
        &self,
        doing: &'static str,
        needs: Needs,
        work: impl FnOnce(&Folder) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T> {
        let turns = self.turns.take(&needs).await?;
        self.on_disk(doing, move |folder| {
            let _turns = turns;
            work(folder)
        })
        .await
    }

    /// Runs blocking work on a thread for that.
    async fn on_disk<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Folder) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T> {
        let folder = Arc::clone(&self.folder);
        let done = blocking(move || work(&folder)).await?;
        done.map_err(|trouble| trouble.explain(doing, &self.folder.root))
    }
}

fn owner_of(record: &Record) -> Option<&[u8]> {
    record.owner.as_ref().map(|owner| owner.key.as_bytes())
}

/// Runs `work` on one of the threads that Tokio keeps for what blocks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let runtime = Handle::try_current().map_err(|source| {
        Error::new(ErrorKind::Setup, "the file store needs a Tokio runtime").with_source(source)
    })?;
    runtime.spawn_blocking(work).await.map_err(|source| {
        let kind = if source.is_cancelled() { ErrorKind::Unavailable } else { ErrorKind::Other };
        Error::new(kind, "the file store's thread ended early").with_source(source)
    })
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("folder", &self.folder.root)
            .field("durability", &self.folder.durability)
            .field("max_payload", &self.folder.max_payload)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for FileStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let wanted = key.clone();
        let found = self.on_disk("load a record", move |folder| folder.load(&wanted)).await?;
        let due = found
            .as_ref()
            .zip(touch)
            .filter(|(stored, touch)| touch.extended_expiry(&stored.record).is_some());
        let (Some((_, touch)), Some(found)) = (due, found.clone()) else { return Ok(found) };
        // Rare: most loads find that no touch is due yet. What was read is history by now: look again.
        let (needs, key) = (Needs::of(key.as_bytes(), None), key.clone());
        let touched =
            self.change("touch a record", needs, move |folder| folder.load_and_touch(&key, touch)).await;
        Ok(self.missed_touches.or_unmoved(touched, found))
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let needs = Needs::of(key.as_bytes(), owner_of(record));
        let (key, record) = (key.clone(), record.clone());
        self.change("create a record", needs, move |folder| folder.create(&key, &record)).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        let needs = Needs::of(key.as_bytes(), owner_of(record));
        let (key, record) = (key.clone(), record.clone());
        self.change("update a record", needs, move |folder| folder.update(&key, expected, &record)).await
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let (needs, key) = (Needs::of(key.as_bytes(), None), key.clone());
        self.change("touch a record", needs, move |folder| folder.touch(&key, expires_at)).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let (needs, key) = (Needs::of(key.as_bytes(), None), key.clone());
        self.change("delete a record", needs, move |folder| folder.delete(&key)).await
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE
            .with_sweep(self)
            .with_scan(self)
            .with_owners(self)
            .with_missed_touches(&self.missed_touches)
    }
}

#[async_trait]
impl Sweep for FileStore {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        self.change("sweep the records", Needs::default(), move |folder| folder.sweep(limit)).await
    }
}

#[async_trait]
impl Scan for FileStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let after = after.cloned();
        self.on_disk("scan the records", move |folder| folder.scan(after.as_ref(), limit)).await
    }

    async fn count(&self) -> Result<u64> {
        self.on_disk("count the records", Folder::count).await
    }

    async fn clear(&self) -> Result<u64> {
        self.change("clear the records", Needs::default(), Folder::clear).await
    }
}

#[async_trait]
impl Owners for FileStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let (owner, after) = (owner.clone(), after.cloned());
        self.on_disk("list an owner's records", move |folder| folder.list(&owner, after.as_ref(), limit))
            .await
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let owner = owner.clone();
        self.change("revoke an owner's records", Needs::default(), move |folder| folder.revoke(&owner, at))
            .await
    }
}
