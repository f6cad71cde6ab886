//! A harness for stores on a clock that tests cannot move.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, Result, Store, SystemClock, Timestamp, async_trait};

use crate::{Harness, Limits};

/// Tests a store that goes by the system's clock, or by a server's that agrees with it: time passes by sleeping.
///
/// The cases of the whole suite sleep for a minute or two together.
#[derive(Debug)]
pub struct LiveHarness {
    store: Arc<dyn Store>,
    other: Option<Arc<dyn Store>>,
    limits: Limits,
}

impl LiveHarness {
    /// Takes a store that goes by the system's clock; the limits are those of [`Limits::real_time`].
    pub fn new<S: Store>(store: S) -> Self {
        Self::from_arc(Arc::new(store))
    }

    /// Takes a store that is shared already.
    pub fn from_arc(store: Arc<dyn Store>) -> Self {
        Self { store, other: None, limits: Limits::real_time() }
    }

    /// Adds another handle on the same records.
    #[must_use]
    pub fn and_handle(mut self, other: Arc<dyn Store>) -> Self {
        self.other = Some(other);
        self
    }

    /// Says how far the suite may go; begin with [`Limits::real_time`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

#[async_trait]
impl Harness for LiveHarness {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }
    async fn advance(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
    async fn reopen(&self) -> Result<Option<Arc<dyn Store>>> {
        Ok(self.other.clone())
    }
    fn limits(&self) -> Limits {
        self.limits
    }
}
