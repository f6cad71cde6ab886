//! A harness for stores that take a clock.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, ManualClock, Result, Store, Timestamp, async_trait};

use crate::{Harness, Limits};

/// Tests a store whose clock is moved, so that no case sleeps and expiry is exact.
///
/// ```
/// use cloakroom_conformance::{ManualHarness, Reference};
///
/// let harness = ManualHarness::new(|clock| Reference::new(clock));
/// ```
pub struct ManualHarness {
    clock: ManualClock,
    store: Arc<dyn Store>,
    others: Handles,
    unreachable: Option<Arc<dyn Store>>,
    limits: Limits,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

type Handles = Vec<Arc<dyn Store>>;

impl ManualHarness {
    /// Makes a clock that stands at the present moment, and a store that goes by it.
    pub fn new<S: Store>(open: impl FnOnce(ManualClock) -> S) -> Self {
        let clock = ManualClock::at(Timestamp::now());
        Self::with_clock(clock.clone(), open(clock))
    }

    /// Takes a store that goes by `clock`.
    pub fn with_clock<S: Store>(clock: ManualClock, store: S) -> Self {
        Self {
            clock,
            store: Arc::new(store),
            others: Vec::new(),
            unreachable: None,
            limits: Limits::default(),
            kept: Vec::new(),
        }
    }

    /// Adds another handle on the same records, which goes by the same clock.
    #[must_use]
    pub fn and_handle<S: Store>(mut self, other: S) -> Self {
        self.others.push(Arc::new(other));
        self
    }

    /// Adds a handle that cannot look, see [`Harness::unreachable`].
    #[must_use]
    pub fn and_unreachable<S: Store>(mut self, store: S) -> Self {
        self.unreachable = Some(Arc::new(store));
        self
    }

    /// Says how far the suite may go.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps something for as long as the harness: a temporary folder, a server. Dropped after the store.
    #[must_use]
    pub fn keeping(mut self, thing: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(thing));
        self
    }

    /// Returns the clock that the store goes by.
    pub fn clock(&self) -> ManualClock {
        self.clock.clone()
    }
}

#[async_trait]
impl Harness for ManualHarness {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
    async fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }
    async fn reopen(&self) -> Result<Option<Arc<dyn Store>>> {
        Ok(self.others.first().map(Arc::clone))
    }
    async fn unreachable(&self) -> Result<Option<Arc<dyn Store>>> {
        Ok(self.unreachable.clone())
    }
    fn limits(&self) -> Limits {
        self.limits
    }
}

impl fmt::Debug for ManualHarness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualHarness")
            .field("store", &self.store)
            .field("clock", &self.clock)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
