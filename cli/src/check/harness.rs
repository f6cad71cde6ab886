//! A store that was opened by its URL, as the suite wants it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_conformance::{Harness, Limits};
use cloakroom_tower::store::{Clock, ManualClock, Result, Store, Timestamp, async_trait};

use super::recorded::Recorded;
use crate::stores::{self, Opened, Tidied, Tidy, Trial};

/// How long tasks of a case that was left in the middle may take to end, and how often they are looked at.
const LAST_TASKS: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

/// A store, a second handle on it if there can be one, and the clock that both go by.
pub(super) struct OpenedHarness {
    clock: ManualClock,
    store: Arc<Recorded>,
    other: Option<Arc<Recorded>>,
    /// Gives back what the second handle holds in the server. In a mutex, as a future cannot be shared otherwise.
    release: Mutex<Option<Tidy>>,
    limits: Limits,
}

impl OpenedHarness {
    pub(super) async fn new(url: &str, trial: &Trial, opened: &Opened) -> Self {
        // Some files can be opened once only.
        let mut other = if opened.alone { None } else { stores::open_for(url, trial).await.ok() };
        let mut limits = Limits::default();
        limits.max_payload_bytes = opened.max_payload_bytes;
        let recorded = |opened: &Opened| Arc::new(Recorded::new(opened.store.clone()));
        Self {
            clock: trial.clock.clone(),
            store: recorded(opened),
            other: other.as_ref().map(recorded),
            release: Mutex::new(other.as_mut().and_then(|opened| opened.release.take())),
            limits,
        }
    }

    /// Deletes the records that were made, one by one, where there is no other way to find them.
    pub(super) async fn delete_all(&self) -> Result<()> {
        let outcome = self.store.delete_all().await;
        match &self.other {
            Some(other) => outcome.and(other.delete_all().await),
            None => outcome,
        }
    }

    /// Waits until no task of a case uses the store any more, and gives back what the second handle holds.
    pub(super) async fn close(self) -> Tidied {
        let Self { store, other, release, .. } = self;
        let used: Vec<_> = [Some(&store), other.as_ref()].into_iter().flatten().map(Arc::downgrade).collect();
        drop((store, other));
        let began = Instant::now();
        while used.iter().any(|store| store.strong_count() > 0) && began.elapsed() < LAST_TASKS {
            tokio::time::sleep(PAUSE).await;
        }
        match release.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(release) => release.await,
            None => Ok(()),
        }
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
        Ok(self.other.clone().map(|other| other as Arc<dyn Store>))
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
