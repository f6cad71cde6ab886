//! A store whose loads a test counts and holds, and which can be down.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cloakroom_store::{
    Capabilities, CreateOutcome, Error, ErrorKind, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};
use tokio::sync::oneshot;

/// Hands every operation on; capabilities are those of the store behind, and are not watched.
#[derive(Debug)]
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    loads: AtomicU64,
    down: AtomicBool,
    silent: AtomicBool,
    largest: AtomicUsize,
    hold: Mutex<Option<Hold>>,
}

#[derive(Debug)]
struct Hold {
    reached: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

/// A load that has its answer and may not hand it on yet.
pub(crate) struct Held {
    reached: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the load has its answer.
    pub(crate) async fn reached(&mut self) {
        (&mut self.reached).await.unwrap();
    }

    pub(crate) fn release(self) {
        self.release.send(()).unwrap();
    }
}

impl Watched {
    pub(crate) fn new(store: Arc<dyn Store>) -> Arc<Self> {
        let (loads, hold) = (AtomicU64::new(0), Mutex::default());
        let largest = AtomicUsize::new(usize::MAX);
        Arc::new(Self { store, loads, down: false.into(), silent: false.into(), largest, hold })
    }

    /// How many loads there were.
    pub(crate) fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    /// Holds the answer of the next load.
    pub(crate) fn hold(&self) -> Held {
        let ((reached_now, reached), (release, released)) = (oneshot::channel(), oneshot::channel());
        *self.hold.lock().unwrap() = Some(Hold { reached: reached_now, released });
        Held { reached, release }
    }

    /// From now on every operation fails, or no longer does.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// From now on no operation is answered, or all are again.
    pub(crate) fn set_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    /// From now on no larger payload is taken.
    pub(crate) fn set_largest(&self, bytes: usize) {
        self.largest.store(bytes, Ordering::SeqCst);
    }

    fn check_size(&self, record: &Record) -> Result<()> {
        if record.payload.len() <= self.largest.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::TooLarge, "the watched store takes no such payload"))
    }

    async fn pass<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the watched store is down"));
        }
        work.await
    }
}

#[async_trait]
impl Store for Watched {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let answer = self.pass(self.store.load(key, touch)).await;
        let hold = self.hold.lock().unwrap().take();
        if let Some(hold) = hold {
            hold.reached.send(()).unwrap();
            hold.released.await.unwrap();
        }
        answer
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.check_size(record)?;
        self.pass(self.store.create(key, record)).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.check_size(record)?;
        self.pass(self.store.update(key, expected, record)).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.pass(self.store.touch(key, expires_at)).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.pass(self.store.delete(key)).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        let mut capabilities = self.store.capabilities();
        // Answers at once would pass by this store.
        capabilities.immediate = None;
        capabilities
    }
}
