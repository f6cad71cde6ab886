//! Options: what is saved, within which limits, and what is removed.

use std::time::Duration;

use super::{Config, SessionLimit, StoreOutage};

/// # Saving
impl Config {
    /// Sets whether sessions that were used are stored again although nothing changed. Default: `false`.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().save_unchanged(true); // as `resave` of express-session
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn save_unchanged(mut self, save: bool) -> Self {
        self.save_unchanged = save;
        self
    }

    /// Sets whether a new session is stored although nothing was put into it. Default: `false`.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().save_empty(true); // as `saveUninitialized` of express-session
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// # let request = manager.begin(&PlainRequest::default());
    /// request.load().await?; // a first visit, which writes nothing
    /// assert!(request.commit().await?.set_cookie.is_some());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn save_empty(mut self, save: bool) -> Self {
        self.save_empty = save;
        self
    }

    /// Sets the largest payload of a session, in bytes. Default: 1 MiB.
    ///
    /// ```
    /// # use cloakroom::{Config, ErrorKind, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().max_size(16 * 1024);
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// session.insert("upload", "x".repeat(20_000))?;
    /// assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::TooLarge);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }

    /// Treats a value of `key` that is of another type as absent, instead of as an error
    /// ([`Decode`](crate::ErrorKind::Decode)): in `get`, `take`, `claim`, `entries` and `update`, and at paths into the value.
    /// Such a value stays until it is set again. Can be called several times. Default: no key.
    ///
    /// This is how a release that changes a value's type is rolled out while sessions of the last release live on, and
    /// while its processes still run: first a release of the old type with `lenient_key`, so that it tolerates values of
    /// the new one; then the release of the new type, with `lenient_key` too; in a later one, when no session can be older
    /// than that, the option goes. [`Session::get_lenient`](crate::Session::get_lenient) does the same for one call.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().lenient_key("cart").lenient_key("theme");
    /// let engine = SessionManager::new(MemoryStore::new(), config)?;
    /// # let session = engine.begin(&PlainRequest::default()).load().await?;
    /// session.insert("theme", "dark")?;
    /// assert_eq!(session.get::<u8>("theme")?, None);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn lenient_key(mut self, key: impl Into<String>) -> Self {
        self.lenient_keys.push(key.into().into());
        self
    }

    /// Sets the longest that a load, a save or the commit at the end of a request takes, all trips to the store and all
    /// waiting together, whatever limits the store has of its own. Default: 5 seconds.
    ///
    /// Once the store is known to be down, requests fail at once; now and then one asks whether it is back.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().deadline(Duration::from_secs(2)); // the load balancer waits for three
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }

    /// Sets how long a commit whose first try did not succeed goes on trying to merge with other requests or to reach its
    /// store, within the [deadline](Self::deadline). Default: 5 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().commit_timeout(Duration::from_secs(1));
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn commit_timeout(mut self, limit: Duration) -> Self {
        self.commit_timeout = limit;
        self
    }

    /// Sets whether a response whose changes were dropped, because the session ended while it was made, becomes an error
    /// (409 in the adapters). Default: `false`; the drop is an [`Event::WriteDropped`](crate::Event::WriteDropped).
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().fail_on_dropped_write(true); // "paid" must not be shown and be forgotten
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn fail_on_dropped_write(mut self, error: bool) -> Self {
        self.fail_on_dropped_write = error;
        self
    }

    /// Sets how many sessions a user may have at once; a log-in ends the oldest ones beyond. `None`: no limit.
    /// Default: 100, where the store can find the sessions of a user. A number that is set needs such a store.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().max_sessions_per_user(3); // a fourth device ends the oldest session
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn max_sessions_per_user(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.cap = limit.into().map_or(SessionLimit::None, SessionLimit::Chosen);
        self
    }

    /// Sets what happens when a session cannot be loaded. Default: see [`StoreOutage`].
    ///
    /// ```
    /// # use cloakroom::{Config, OutageFallback, StoreOutage, SessionManager, stores::MemoryStore};
    /// // While the store is down, pages that only read are served to anonymous users.
    /// let outage = StoreOutage::default().fallback(OutageFallback::AnonymousReadOnly);
    /// let config = Config::default().outage(outage);
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn outage(mut self, outage: StoreOutage) -> Self {
        self.outage = outage;
        self
    }

    /// Sets how often expired records are removed in the background, give or take a fifth; `None`: never by this engine.
    /// Default: every minute. An expired record is never loaded, swept or not.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().sweep_interval(None); // another process sweeps the store
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn sweep_interval(mut self, every: impl Into<Option<Duration>>) -> Self {
        self.sweep_interval = every.into();
        self
    }

    /// Removes expired records also after `wins` of `of` requests that use their session, by lot: for processes that live
    /// too short for the background sweep, such as functions in a cloud, or in place of it
    /// (`sweep_interval(None)`). Default: no lottery. Like the background sweep, it does not make a request wait, and
    /// needs a tokio runtime; one sweep of it runs at a time.
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// let config = Config::default().sweep_interval(None).sweep_lottery(2, 100);
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn sweep_lottery(mut self, wins: u32, of: u32) -> Self {
        self.sweep_lottery = Some((wins, of));
        self
    }
}
