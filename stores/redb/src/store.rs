//! The store: loads run on the caller's thread, everything else on two threads of the store.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use cloakroom_store::{
    Capabilities, CreateOutcome, Error, ErrorKind, MissedTouches, Record, Result, Store, StoreKey, Timestamp,
    Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};
use tokio::sync::{mpsc, oneshot};

use crate::builder::Builder;
use crate::database::{Place, Shared};
use crate::error::Failure;
use crate::layout::RECORDS;
use crate::records;
use crate::tables::Tables;
use crate::task::Job;
use crate::threads::Worker;
use crate::writer::Writer;

/// Keeps records in a file of redb's.
///
/// One process at a time can have the file open. Clones are the same store. Dropping the last one waits until what was
/// begun is done and the file is closed: a few milliseconds.
#[derive(Clone)]
pub struct RedbStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    largest_payload: usize,
    writer: Worker<Job>,
    reader: Worker<Look>,
    pub(crate) shared: Arc<Shared>,
    missed_touches: MissedTouches,
}

/// Goes through records on the thread that is there for it.
type Look = Box<dyn FnOnce(&Shared) + Send>;

impl RedbStore {
    /// Opens the file `path` with default options; makes it if it is missing.
    ///
    /// # Errors
    /// See [`Builder::build`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::builder(path).build().await
    }

    /// Opens a store in memory, for tests: it is gone when it is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if the operating system gives no thread.
    pub async fn in_memory() -> Result<Self> {
        Self::memory_builder().build().await
    }

    /// Sets options for the file that `url` names: `redb:PATH?name=value&…`, with `durability=machine|process`,
    /// `cache_bytes`, `max_payload_bytes` and `create_if_missing`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the URL or a setting cannot be right.
    pub fn from_url(url: &str) -> Result<Builder> {
        Builder::from_url(url)
    }

    /// Sets options for the file `path`.
    pub fn builder(path: impl Into<PathBuf>) -> Builder {
        Builder::new(Place::File(path.into()))
    }

    /// Sets options for a store in memory.
    pub fn memory_builder() -> Builder {
        Builder::new(Place::Memory)
    }

    pub(crate) async fn start(shared: Shared, largest_payload: usize) -> Result<Self> {
        let (shared, (ready, opened)) = (Arc::new(shared), oneshot::channel());
        let writer = Worker::start({
            let shared = Arc::clone(&shared);
            move |queue| {
                let opened = shared.open();
                if ready.send(opened).is_ok() && opened.is_ok() {
                    Writer { shared, queue }.serve();
                }
            }
        })?;
        opened.await.map_err(|_| Failure::STOPPED)??;
        let reader = Worker::start({
            let shared = Arc::clone(&shared);
            move |mut queue: mpsc::Receiver<Look>| {
                while let Some(look) = queue.blocking_recv() {
                    look(&shared);
                }
            }
        })?;
        let missed_touches = MissedTouches::default();
        Ok(Self(Arc::new(Inner { largest_payload, writer, reader, shared, missed_touches })))
    }

    /// Has the writing thread do something, together with what others ask.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        step: impl Fn(&mut Tables<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let (job, answer) = Job::new(step);
        self.0.writer.send(job).await?;
        answer.await.map_err(|_| Failure::STOPPED)?
    }

    /// Has the reading thread look at records.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Shared) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        // A caller that went away does not want to know.
        self.0.reader.send(Box::new(move |shared| drop(reply.send(look(shared))))).await?;
        Ok(answer.await.map_err(|_| Failure::STOPPED)??)
    }

    fn check_size(&self, record: &Record) -> Result<()> {
        let (size, most) = (record.payload.len(), self.0.largest_payload);
        if size <= most {
            return Ok(());
        }
        let message = format!("a payload has at most {most} bytes here, this one {size}");
        Err(Error::new(ErrorKind::TooLarge, message))
    }
}

#[async_trait]
impl Store for RedbStore {
    /// Reads on the caller's thread: what was used lately is in memory, and another page is one read of the disk.
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let shared = &self.0.shared;
        let found = shared.read(|look| records::load(&look.open_table(RECORDS)?, key, shared.now()))?;
        let due = found
            .as_ref()
            .zip(touch)
            .filter(|(stored, touch)| touch.extended_expiry(&stored.record).is_some());
        let (Some((_, touch)), Some(found)) = (due, found.clone()) else { return Ok(found) };
        // Rare: most loads find that no touch is due yet. What was read is history by now: look again.
        let key = key.clone();
        let touched = self.write(move |tables| tables.load_and_touch(&key, touch)).await;
        Ok(self.0.missed_touches.or_unmoved(touched, found))
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.check_size(record)?;
        let (key, record) = (key.clone(), record.clone());
        self.write(move |tables| tables.create(&key, &record)).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.check_size(record)?;
        let (key, record) = (key.clone(), record.clone());
        self.write(move |tables| tables.update(&key, expected, &record)).await
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let key = key.clone();
        self.write(move |tables| tables.touch(&key, expires_at)).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let key = key.clone();
        self.write(move |tables| tables.delete(&key)).await
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE
            .with_sweep(self)
            .with_scan(self)
            .with_owners(self)
            .with_missed_touches(&self.0.missed_touches)
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore").field("place", &self.0.shared.place).finish_non_exhaustive()
    }
}
