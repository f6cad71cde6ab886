//! What happens while the store does not answer.

use std::time::Duration;

/// What happens when a session cannot be loaded because the store does not answer.
///
/// ```
/// use cloakroom::{Config, OutageFallback, StoreOutage};
/// use std::time::Duration;
///
/// let readers_go_on = StoreOutage::default()
///     .retry_for(Duration::from_millis(100))
///     .fallback(OutageFallback::AnonymousReadOnly);
/// let config = Config::default().outage(readers_go_on);
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreOutage {
    /// How long to wait for the store to come back, trying again meanwhile. Default: 250 ms.
    pub retry_for: Duration,
    /// What to do then. Default: [`OutageFallback::FailClosed`].
    pub fallback: OutageFallback,
}

/// See [`StoreOutage::fallback`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OutageFallback {
    /// Requests that load the session fail, with a 503 in the adapters; others are served.
    #[default]
    FailClosed,
    /// The request gets an empty session that is not stored: what a handler writes is dropped at the end of the request,
    /// with an [`Event::WriteDropped`](crate::Event::WriteDropped), and no cookie is sent. A handler that must not lose
    /// a write calls [`save`](crate::Session::save), which is an error then. A request without a cookie that writes meets
    /// the outage when it is saved, as with `FailClosed`.
    AnonymousReadOnly,
}

impl StoreOutage {
    /// Sets how long to wait for the store to come back.
    #[must_use]
    pub const fn retry_for(mut self, wait: Duration) -> Self {
        self.retry_for = wait;
        self
    }

    /// Sets what to do then.
    #[must_use]
    pub const fn fallback(mut self, fallback: OutageFallback) -> Self {
        self.fallback = fallback;
        self
    }
}

impl Default for StoreOutage {
    fn default() -> Self {
        Self { retry_for: Duration::from_millis(250), fallback: OutageFallback::FailClosed }
    }
}
