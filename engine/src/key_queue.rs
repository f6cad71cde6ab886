//! A queue for each key: after a conflict, commits of this process to one session wait for each other.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom_store::{StoreKey, VersionedRecord};

use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard};

/// A queue for each record that several commits of this process want to write.
///
/// Versions alone are enough for correctness. But commits that retry at once cause each other new conflicts, and new ones win
/// against those that wait. So a commit that met a conflict waits in a queue, later ones behind it, and each passes the
/// next one the record as it is now, which saves that one a conflict.
#[derive(Debug, Default)]
pub(crate) struct KeyQueue {
    /// How many queues there are. While it is 0, commits look no further.
    busy: AtomicUsize,
    queues: Mutex<HashMap<StoreKey, (Queue, usize)>>,
    /// Keys of records that were renewed a moment ago.
    renewed: Mutex<VecDeque<StoreKey>>,
}

/// First come, first served. Holds the record as the last commit left it.
type Queue = Arc<FairMutex<Option<VersionedRecord>>>;

/// A place in the queue of a record.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    queues: &'a KeyQueue,
    key: StoreKey,
    queue: Queue,
}

/// How many renewed keys are remembered.
const RENEWED: usize = 256;

impl KeyQueue {
    fn queues(&self) -> MutexGuard<'_, HashMap<StoreKey, (Queue, usize)>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether commits wait for the record under `key`.
    #[inline]
    pub(crate) fn is_busy(&self, key: &StoreKey) -> bool {
        self.busy.load(Ordering::Relaxed) > 0 && self.queues().contains_key(key)
    }

    /// Lines up for the record under `key`.
    pub(crate) fn enter(&self, key: &StoreKey) -> Place<'_> {
        let mut queues = self.queues();
        let (queue, members) = queues.entry(key.clone()).or_default();
        *members += 1;
        if *members == 1 {
            self.busy.fetch_add(1, Ordering::Relaxed);
        }
        Place { queues: self, key: key.clone(), queue: queue.clone() }
    }

    fn renewed(&self) -> MutexGuard<'_, VecDeque<StoreKey>> {
        self.renewed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims the renewal of the record under `key`; `false` if another request of this process did a moment ago.
    pub(crate) fn claim_renewal(&self, key: &StoreKey) -> bool {
        let mut renewed = self.renewed();
        if renewed.contains(key) {
            return false;
        }
        if renewed.len() >= RENEWED {
            renewed.pop_front();
        }
        renewed.push_back(key.clone());
        true
    }

    /// Gives a claim back after a renewal that failed.
    pub(crate) fn release_renewal(&self, key: &StoreKey) {
        self.renewed().retain(|other| other != key);
    }
}

impl Place<'_> {
    /// Waits for the turn; the guard holds the record as the commit before has left it, to be replaced by the next.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<Option<VersionedRecord>> {
        self.queue.clone().lock_owned().await
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queues = self.queues.queues();
        if let Some((_, members)) = queues.get_mut(&self.key) {
            *members -= 1;
            if *members == 0 {
                queues.remove(&self.key);
                self.queues.busy.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}
