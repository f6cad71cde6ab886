//! A store in memory with few capabilities, and whose look at all records can be met by a request.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use cloakroom::store::{
    Capabilities, CreateOutcome, Cursor, Page, Record, Result, Scan, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};
use cloakroom::stores::MemoryStore;

type Work = Pin<Box<dyn Future<Output = String> + Send>>;

/// The store. Clones are the same one.
#[derive(Clone)]
pub(crate) struct OddStore {
    records: Arc<MemoryStore>,
    has_scan: bool,
    work: Arc<Mutex<Option<Work>>>,
    result: Arc<Mutex<Option<String>>>,
}

impl std::fmt::Debug for OddStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OddStore")
    }
}

impl OddStore {
    /// One without capabilities.
    pub(crate) fn bare() -> Self {
        let (work, result) = (Arc::default(), Arc::default());
        Self { records: Arc::new(MemoryStore::new()), has_scan: false, work, result }
    }

    /// One that can be gone through.
    pub(crate) fn late() -> Self {
        Self { has_scan: true, ..Self::bare() }
    }

    /// Does this in the middle of the first scan: what it adds is not in that.
    pub(crate) fn at_the_first_scan(&self, work: impl Future<Output = String> + Send + 'static) {
        *self.work.lock().unwrap() = Some(Box::pin(work));
    }

    /// What it came to.
    pub(crate) fn result(&self) -> Option<String> {
        self.result.lock().unwrap().take()
    }
}

#[async_trait]
impl Store for OddStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.records.load(key, touch).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.records.create(key, record).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.records.update(key, expected, record).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.records.touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.records.delete(key).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        if self.has_scan { Capabilities::NONE.with_scan(self) } else { Capabilities::NONE }
    }
}

#[async_trait]
impl Scan for OddStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let scan = self.records.capabilities().scan.unwrap();
        let Some(work) = self.work.lock().unwrap().take() else { return scan.scan(after, limit).await };
        let mut before = scan.scan(None, 1_000).await?;
        let done = work.await;
        *self.result.lock().unwrap() = Some(done);
        let now = scan.scan(None, 1_000).await?;
        before.entries = now
            .entries
            .into_iter()
            .filter(|new| before.entries.iter().any(|old| old.key == new.key))
            .collect();
        Ok(before)
    }
    async fn count(&self) -> Result<u64> {
        self.records.capabilities().scan.unwrap().count().await
    }
    async fn clear(&self) -> Result<u64> {
        self.records.capabilities().scan.unwrap().clear().await
    }
}
