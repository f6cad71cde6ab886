//! Keys whose copies in the fast tier are outdated, because it could not be reached at a write.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_store::{Clock, StoreKey, Timestamp};

/// Keys share this many moments: a key that shares one with a distrusted key costs one more load, nothing worse.
const PARTS: usize = 256;

/// The moments up to which copies are not believed.
#[derive(Debug)]
pub(super) struct Trust {
    everything: AtomicU64,
    parts: Box<[AtomicU64]>,
    hasher: RandomState,
    clock: Arc<dyn Clock>,
}

impl Trust {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let parts = (0..PARTS).map(|_| AtomicU64::new(0)).collect();
        Self { everything: AtomicU64::new(0), parts, hasher: RandomState::new(), clock }
    }

    /// Returns whether a copy that was asked for at this moment may be believed.
    pub(super) fn covers(&self, key: &StoreKey, asked_at: Timestamp) -> bool {
        let asked_at = asked_at.as_micros();
        [&self.everything, self.part(key)].iter().all(|end| asked_at > end.load(Ordering::SeqCst))
    }

    /// Ignores all copies from before this moment: of this key, or of all keys.
    pub(super) fn end(&self, key: Option<&StoreKey>) {
        let end = key.map_or(&self.everything, |key| self.part(key));
        end.fetch_max(self.clock.now().as_micros(), Ordering::SeqCst);
    }

    /// Begins a write of this key, or of all. When the guard is dropped before [`settled`](Unsettled::settled), older copies
    /// are not used any more.
    pub(super) fn unsettled<'a>(&'a self, key: Option<&'a StoreKey>) -> Unsettled<'a> {
        Unsettled { trust: self, key }
    }

    fn part(&self, key: &StoreKey) -> &AtomicU64 {
        &self.parts[usize::from(self.hasher.hash_one(key).to_le_bytes()[0])]
    }
}

/// A write that the fast tier does not know of. Its future may be dropped at any moment.
#[must_use]
pub(super) struct Unsettled<'a> {
    trust: &'a Trust,
    key: Option<&'a StoreKey>,
}

impl Unsettled<'_> {
    /// Notes that the fast tier is up to date.
    pub(super) fn settled(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        self.trust.end(self.key);
    }
}
