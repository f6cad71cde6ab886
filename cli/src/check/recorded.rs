//! Records the keys that a store was given, so that a check can remove them where the store has no scan.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom_tower::store::{
    Capabilities, CreateOutcome, Record, Result, Store, StoreKey, Timestamp, Touch, UpdateOutcome, Version,
    VersionedRecord, async_trait,
};

/// Passes everything on, and remembers the keys of what may have been made.
#[derive(Debug)]
pub(super) struct Recorded {
    store: Arc<dyn Store>,
    keys: Mutex<HashSet<StoreKey>>,
}

impl Recorded {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, keys: Mutex::default() }
    }

    /// Deletes every record that was made here; goes on after an error, and returns the first.
    pub(super) async fn delete_all(&self) -> Result<()> {
        let keys = std::mem::take(&mut *self.keys.lock().unwrap_or_else(PoisonError::into_inner));
        let mut outcome = Ok(());
        for key in keys {
            outcome = outcome.and(self.store.delete(&key).await.map(drop));
        }
        outcome
    }
}

#[async_trait]
impl Store for Recorded {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.store.load(key, touch).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        self.store.create(key, record).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.store.update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.store.touch(key, expires_at).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.store.delete(key).await
    }

    fn capabilities(&self) -> Capabilities<'_> {
        self.store.capabilities()
    }
}
