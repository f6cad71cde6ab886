//! The options of a file store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, Error, ErrorKind, Result, StoreUrl, SystemClock};

use super::disk::Durability;
use super::folder::{Folder, MARK};
use super::sweep::Rounds;
use super::trouble::Trouble;
use super::{FileStore, blocking};

/// Opens a [`FileStore`] with other than the default choices.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until `build` is called"]
pub struct FileStoreBuilder {
    root: PathBuf,
    durability: Durability,
    clock: Arc<dyn Clock>,
    max_payload_bytes: usize,
    create: bool,
    lock_timeout: Duration,
}

impl FileStoreBuilder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            durability: Durability::default(),
            clock: Arc::new(SystemClock),
            max_payload_bytes: FileStore::MAX_PAYLOAD_BYTES,
            create: true,
            lock_timeout: Duration::from_secs(5),
        }
    }

    pub(super) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        if url.scheme() != "file" {
            return Err(Error::new(ErrorKind::Invalid, "the url of this store begins with file:"));
        }
        let mut builder = Self::new(url.path()?.into());
        builder.durability = url.read("durability", durability)?.unwrap_or(builder.durability);
        builder.max_payload_bytes = url.parsed("max_payload_bytes")?.unwrap_or(builder.max_payload_bytes);
        builder.create = url.flag("create_if_missing")?.unwrap_or(builder.create);
        builder.lock_timeout = url.duration("lock_timeout")?.unwrap_or(builder.lock_timeout);
        url.finish()?;
        Ok(builder)
    }

    /// Sets what an answered write survives; [`Durability::Machine`] unless set.
    ///
    /// Processes that share a folder may choose differently, each for its own writes.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets where the time comes from; the system's clock unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how many bytes a payload may have; [`FileStore::MAX_PAYLOAD_BYTES`] unless set, and never 4 GiB or more.
    ///
    /// Larger ones that are already there are still read.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes;
        self
    }

    /// Sets whether opening makes the folder a store if it is not one yet. Default: `true`. With `false`, it is a `Setup`
    /// error, and nothing is made: for programs that only read what others wrote.
    pub fn create_if_missing(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Sets how long a write waits for its turn, and for a lock that another process has, before it fails as `Unavailable`.
    /// 5 seconds unless set.
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Opens the store, making its folder if it is missing; the folder's parent must exist.
    ///
    /// # Errors
    /// `Setup` if the folder cannot be made or written, if it holds other files, or outside of a Tokio runtime;
    /// `Corrupt` if a version of this store that is not known here made it.
    pub async fn build(self) -> Result<FileStore> {
        let Self { root, durability, clock, max_payload_bytes: max_payload, create, lock_timeout: patience } =
            self;
        let named = root.clone();
        let opening = blocking(move || {
            let root = std::path::absolute(&root)?;
            if !create && !root.join(MARK).is_file() {
                return Err(Trouble::NoStore);
            }
            let folder = Folder { root, durability, clock, max_payload, rounds: Rounds::new()?, patience };
            folder.prepare().map(|()| folder)
        });
        let folder = opening.await?.map_err(|trouble| trouble.explain("open the file store", &named))?;
        Ok(FileStore::new(folder, patience))
    }
}

fn durability(text: &str) -> Option<Durability> {
    match text {
        "machine" => Some(Durability::Machine),
        "process" => Some(Durability::Process),
        _ => None,
    }
}
