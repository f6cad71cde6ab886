//! The settings of a tiered store.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, Store, SystemClock};

use super::CachedStore;
use super::front::Front;
use super::trust::Trust;

/// Settings of a [`CachedStore`].
#[derive(Clone, Debug)]
#[must_use]
pub struct CachedStoreBuilder {
    cache: Arc<dyn Store>,
    backing: Arc<dyn Store>,
    max_staleness: Duration,
    patience: Duration,
    clock: Arc<dyn Clock>,
}

impl CachedStoreBuilder {
    pub(super) fn new(cache: Arc<dyn Store>, backing: Arc<dyn Store>) -> Self {
        Self {
            cache,
            backing,
            max_staleness: Duration::from_secs(1),
            patience: Duration::from_millis(100),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets how old an answer of the fast tier may be; 1 second unless set. See [the bound](CachedStore#the-bound).
    ///
    /// With zero, the durable tier answers everything and the fast tier is never asked.
    pub fn max_staleness(mut self, span: Duration) -> Self {
        self.max_staleness = span;
        self
    }

    /// Sets how long the fast tier is waited for, each time; 100 milliseconds unless set. Then the durable tier is asked.
    pub fn cache_timeout(mut self, span: Duration) -> Self {
        self.patience = span;
        self
    }

    /// Takes the time from `clock`; unless set, from [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the store.
    pub fn build(self) -> CachedStore {
        CachedStore {
            front: Front::new(self.cache, self.patience, Arc::clone(&self.clock)),
            backing: self.backing,
            max_staleness: self.max_staleness,
            trust: Trust::new(Arc::clone(&self.clock)),
            clock: self.clock,
        }
    }
}
