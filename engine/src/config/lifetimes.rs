//! Options: how long sessions and their ids live.

use std::time::Duration;

use super::Config;

/// # Lifetimes
impl Config {
    /// Ends a session that no request used for this long. Default: 30 minutes.
    ///
    /// ```
    /// # use cloakroom::{Config, ManualClock, PlainRequest, SessionManager, Timestamp, stores::MemoryStore};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = ManualClock::at(Timestamp::from_millis(0));
    /// let config = Config::default().idle_timeout(Duration::from_secs(15 * 60));
    /// # let manager = SessionManager::new(MemoryStore::builder().clock(clock.clone()).build(), config.clock(clock.clone()))?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// # let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap_or_default());
    /// clock.advance(Duration::from_secs(15 * 60));
    /// let session = manager.begin(&cookie).load().await?;
    /// assert!(session.is_new(), "it has expired");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.lifetime.idle = idle;
        self
    }

    /// Ends a session this long after it began or after the last log-in, however active it is. Default: 12 hours.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let eight_hours = Duration::from_secs(8 * 60 * 60);
    /// let config = Config::default().absolute_timeout(eight_hours); // a log-in lasts for a working day
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn absolute_timeout(mut self, absolute: impl Into<Option<Duration>>) -> Self {
        self.lifetime.absolute = absolute.into();
        self
    }

    /// Gives a session a fresh id this often, at a request that uses it. Default: `None`, only at log-in.
    ///
    /// ```
    /// # use cloakroom::{Config, ManualClock, PlainRequest, SessionManager, Timestamp, stores::MemoryStore};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = ManualClock::at(Timestamp::from_millis(0));
    /// let config = Config::default().renew_every(Duration::from_secs(10 * 60));
    /// # let manager = SessionManager::new(MemoryStore::builder().clock(clock.clone()).build(), config.clock(clock.clone()))?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// # let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap_or_default());
    /// clock.advance(Duration::from_secs(10 * 60));
    /// let request = manager.begin(&cookie);
    /// request.load().await?;
    /// assert!(request.commit().await?.set_cookie.is_some(), "a fresh id");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn renew_every(mut self, every: impl Into<Option<Duration>>) -> Self {
        self.lifetime.renew_every = every.into();
        self
    }

    /// Sets for how long requests that bring a renewed session's old id are still served. Default: 10 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// // Pages that begin dozens of requests at once, over slow networks:
    /// let config = Config::default()
    ///     .renew_every(Duration::from_secs(10 * 60))
    ///     .renewal_grace_period(Duration::from_secs(30));
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn renewal_grace_period(mut self, grace: Duration) -> Self {
        self.lifetime.grace = grace;
        self
    }

    /// Remembers for this long why a session was ended (a log-out, `destroy`, a revocation, the limit on sessions), so that a
    /// request which brings its id can [say so](crate::Session::gone_because). Default: `None`; a session that ends leaves
    /// nothing behind, and its id is as unknown as one that never was.
    ///
    /// Each ended session then leaves a record of 19 bytes under its key, without a user and values. A revocation of all of
    /// a user's sessions ends them one by one first, a trip each. What is not remembered: expiry, for which stores remove
    /// records by themselves, and the end of all sessions of the store at once.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// # use std::time::Duration;
    /// let config = Config::default().remember_endings(Duration::from_secs(24 * 60 * 60));
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn remember_endings(mut self, span: impl Into<Option<Duration>>) -> Self {
        self.remember_endings = span.into();
        self
    }

    /// Sets how often a session is looked at whose [end](crate::Session::ended) something waits for, to notice an end by
    /// another process and expiry: at least once in twice this time. Default: 10 seconds. It costs one load for each session
    /// and interval, and nothing where nothing waits.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// # use std::time::Duration;
    /// let config = Config::default().ending_interval(Duration::from_secs(60)); // 10,000 sessions: 167 loads a second
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn ending_interval(mut self, interval: Duration) -> Self {
        self.ending_interval = interval;
        self
    }

    /// Sets which part of the idle time must have passed before a load writes that the session was used: from 0 (every
    /// request) to below 1. Default: 0.1.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// // Half as many writes, and a session may end after 24 of its 30 minutes.
    /// let config = Config::default().touch_threshold(0.2);
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn touch_threshold(mut self, part: f64) -> Self {
        self.lifetime.touch_threshold = part;
        self
    }
}
