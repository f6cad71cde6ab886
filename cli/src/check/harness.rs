//! A store that was opened by its URL, as the suite wants it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_conformance::{Harness, Limits};
use cloakroom_tower::store::{Clock, ManualClock, Result, Store, Timestamp, async_trait};

use crate::stores::{self, Opened, Trial};
use crate::trouble::Trouble;

/// A store, a second handle on it if there can be one, and the clock that both go by.
pub(super) struct OpenedHarness {
    clock: ManualClock,
    store: Arc<dyn Store>,
    other: Option<Arc<dyn Store>>,
    limits: Limits,
}

impl OpenedHarness {
    pub(super) async fn new(url: &str, trial: &Trial, opened: &Opened) -> Result<Self, Trouble> {
        // A second memory store is another store, and some files can be opened once only.
        let other = if url.starts_with("memory:") { None } else { stores::open_for(url, trial).await.ok() };
        let mut limits = Limits::default();
        limits.largest_payload = opened.largest_payload;
        Ok(Self {
            clock: trial.clock.clone(),
            store: opened.store.clone(),
            other: other.map(|opened| opened.store),
            limits,
        })
    }
}

#[async_trait]
impl Harness for OpenedHarness {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
    async fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }
    async fn reopen(&self) -> Result<Option<Arc<dyn Store>>> {
        Ok(self.other.clone())
    }
    fn limits(&self) -> Limits {
        self.limits
    }
}

impl fmt::Debug for OpenedHarness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedHarness").field("store", &self.store).finish_non_exhaustive()
    }
}
