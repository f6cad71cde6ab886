//! The store: each method sends one operation to the threads that own the connections.

use std::fmt;
use std::path::PathBuf;

use cloakroom_store::{
    Capabilities, CreateOutcome, Error, ErrorKind, MissedTouches, Record, Result, Store, StoreKey, Timestamp,
    Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};

use crate::builder::Builder;
use crate::reader;
use crate::setup::{Place, Setup};
use crate::threads::Threads;
use crate::writer::Writer;

/// Keeps records in an SQLite database.
///
/// Any number of stores, in any number of processes on one machine, can use the same file. Dropping a store waits
/// until what was begun is done and the database is closed: a few milliseconds, unless another process holds the lock.
pub struct SqliteStore {
    place: Place,
    largest_payload: usize,
    // Dropped in this order: the connection that closes last brings the log into the database.
    /// `None` for a database in memory: only the connection that writes can see it.
    readers: Option<Threads>,
    pub(crate) writer: Threads,
    missed_touches: MissedTouches,
}

impl SqliteStore {
    /// Opens the database in the file `path` with default options; makes file and tables if they are missing.
    ///
    /// # Errors
    /// See [`Builder::build`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::builder(path).build().await
    }

    /// Opens a database in memory, for tests: it is gone when the store is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if the operating system gives no thread.
    pub async fn in_memory() -> Result<Self> {
        Self::memory_builder().build().await
    }

    /// Sets options for the database that `url` names: `sqlite:PATH?name=value&…`, with `durability=machine|process`,
    /// `prefix`, `busy_timeout=5s`, `readers`, `max_payload_bytes`, `create_if_missing`, and for [`Builder::build_bodies`] `table`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the URL or a setting cannot be right.
    pub fn from_url(url: &str) -> Result<Builder> {
        Builder::from_url(url)
    }

    /// Sets options for the database in the file `path`.
    pub fn builder(path: impl Into<PathBuf>) -> Builder {
        Builder::file(path.into())
    }

    /// Sets options for a database in memory.
    pub fn memory_builder() -> Builder {
        Builder::memory()
    }

    pub(crate) async fn start(setup: Setup, readers: usize, largest_payload: usize) -> Result<Self> {
        let (place, busy_timeout) = (setup.place.clone(), setup.busy_timeout);
        let open = {
            let setup = setup.clone();
            move || setup.open_writer()
        };
        let writer = Threads::start(1, open, move |database, queue| {
            Writer { database, queue, busy_timeout }.serve();
        });
        let writer = writer.await?;
        let open = move || setup.open_reader();
        let readers = match readers {
            0 => None,
            count => {
                Some(Threads::start(count, open, |database, queue| reader::serve(&database, &queue)).await?)
            }
        };
        let missed_touches = MissedTouches::default();
        Ok(Self { place, largest_payload, readers, writer, missed_touches })
    }

    /// Returns the readers.
    pub(crate) fn readers(&self) -> &Threads {
        self.readers.as_ref().unwrap_or(&self.writer)
    }

    fn check_size(&self, record: &Record) -> Result<()> {
        let (size, most) = (record.payload.len(), self.largest_payload);
        if size <= most {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::TooLarge,
            format!("a payload has at most {most} bytes here, this one {size}"),
        ))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let wanted = key.clone();
        let found = self.readers().run(move |database| database.load(&wanted)).await?;
        let due = found
            .as_ref()
            .zip(touch)
            .filter(|(stored, touch)| touch.extended_expiry(&stored.record).is_some());
        let (Some((_, touch)), Some(found)) = (due, found.clone()) else { return Ok(found) };
        // Rare: most loads find that no touch is due yet. What the reader saw is history by now: look again.
        let key = key.clone();
        let touched = self.writer.run(move |database| database.load_and_touch(&key, touch)).await;
        Ok(self.missed_touches.or_unmoved(touched, found))
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.check_size(record)?;
        let (key, record) = (key.clone(), record.clone());
        self.writer.run(move |database| database.create(&key, &record)).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.check_size(record)?;
        let (key, record) = (key.clone(), record.clone());
        self.writer.run(move |database| database.update(&key, expected, &record)).await
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let key = key.clone();
        self.writer.run(move |database| database.touch(&key, expires_at)).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let key = key.clone();
        self.writer.run(move |database| database.delete(&key)).await
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE
            .with_sweep(self)
            .with_scan(self)
            .with_owners(self)
            .with_missed_touches(&self.missed_touches)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("place", &self.place).finish_non_exhaustive()
    }
}
