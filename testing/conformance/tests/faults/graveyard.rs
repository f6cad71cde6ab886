//! What was deleted, for faults that bring it back.

use std::collections::BTreeMap;
use std::sync::Mutex;

use cloakroom_conformance::Reference;
use cloakroom_store::{Result, Store, StoreKey, VersionedRecord};

#[derive(Debug, Default)]
pub(crate) struct Graveyard(Mutex<BTreeMap<StoreKey, VersionedRecord>>);

impl Graveyard {
    pub(crate) async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let deleted = s.delete(key).await?;
        if let Some(stored) = &deleted {
            self.bury(key, stored);
        }
        Ok(deleted)
    }

    pub(crate) fn bury(&self, key: &StoreKey, stored: &VersionedRecord) {
        self.0.lock().unwrap().insert(key.clone(), stored.clone());
    }

    pub(crate) fn holds(&self, key: &StoreKey) -> bool {
        self.0.lock().unwrap().contains_key(key)
    }

    pub(crate) fn buried(&self) -> Vec<(StoreKey, VersionedRecord)> {
        self.0.lock().unwrap().iter().map(|(key, stored)| (key.clone(), stored.clone())).collect()
    }

    /// Puts the record back, unless there is another.
    pub(crate) fn resurrect(&self, s: &Reference, key: &StoreKey) {
        if let Some(stored) = self.0.lock().unwrap().remove(key) {
            s.reach_inside(|inside| {
                inside.records.entry(key.clone()).or_insert(stored);
            });
        }
    }
}
