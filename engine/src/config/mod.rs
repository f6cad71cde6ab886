//! Every option, its default, and why.

mod check;
mod cookie;
mod describe;
mod error;
mod front;
mod hooks;
mod preset;
mod schema;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, SystemClock};

pub use describe::Policy;
pub use error::ConfigError;
pub(crate) use front::Front;
pub use front::{Caching, Prefetch, SiteData};
pub use preset::Preset;
pub use schema::NewerSchema;
pub(crate) use schema::Schema;

use crate::cookie::{Attributes, Secure};
use crate::format::CookieFormat;
use crate::hooks::Hooks;
use crate::lifetime::Lifetime;
use crate::{KeyRing, Observer, ProxyTrust, Random, SystemRandom, Transport};

/// Every option of an engine. The defaults are safe: change what you know better.
///
/// ```
/// use cloakroom::{Config, SessionManager, stores::MemoryStore};
/// use std::time::Duration;
///
/// let config = Config::default()
///     .idle_timeout(Duration::from_secs(15 * 60))
///     .absolute_timeout(Duration::from_secs(8 * 60 * 60))
///     .max_sessions_per_user(3);
/// let engine = SessionManager::new(MemoryStore::new(), config)?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// Options that contradict each other do not build, and the error names both:
///
/// ```
/// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
/// let config = Config::default().cookie_name("__Host-id").cookie_domain("example.org");
/// let error = SessionManager::new(MemoryStore::new(), config).unwrap_err();
/// assert_eq!(error.options(), ["cookie_name", "cookie_domain"]);
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) cookie: Attributes,
    pub(crate) keys: Option<KeyRing>,
    pub(crate) format: Option<Arc<dyn CookieFormat>>,
    accept_unsigned: bool,
    pub(crate) lifetime: Lifetime,
    pub(crate) trust_forwarded_proto: bool,
    pub(crate) proxies: Option<ProxyTrust>,
    pub(crate) save_unchanged: bool,
    pub(crate) save_empty: bool,
    pub(crate) rolling: bool,
    pub(crate) cap: SessionLimit,
    pub(crate) max_size: usize,
    pub(crate) lenient_keys: Vec<Box<str>>,
    pub(crate) outage: StoreOutage,
    pub(crate) deadline: Duration,
    pub(crate) commit_timeout: Duration,
    pub(crate) fail_on_dropped_write: bool,
    pub(crate) front: Front,
    pub(crate) sweep_interval: Option<Duration>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) hooks: Hooks,
    pub(crate) transport: Option<Arc<dyn Transport>>,
    pub(crate) sweep_lottery: Option<(u32, u32)>,
    pub(crate) schema: Option<Box<Schema>>,
    pub(crate) remember_endings: Option<Duration>,
    pub(crate) ending_interval: Duration,
}

/// How many sessions a user may have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SessionLimit {
    /// [`DEFAULT_LIMIT`], where the store can find the sessions of a user.
    Default,
    Chosen(usize),
    None,
}

/// Enough for a person, and few enough to be looked through at every log-in.
const DEFAULT_LIMIT: usize = 100;

impl SessionLimit {
    /// Returns whether the store must be able to find the sessions of a user.
    pub(crate) const fn is_required(self) -> bool {
        matches!(self, Self::Chosen(_))
    }

    pub(crate) const fn limit(self) -> Option<usize> {
        match self {
            Self::Default => Some(DEFAULT_LIMIT),
            Self::Chosen(limit) => Some(limit),
            Self::None => None,
        }
    }
}

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

impl Default for Config {
    fn default() -> Self {
        Self {
            cookie: Attributes::default(),
            keys: None,
            format: None,
            accept_unsigned: false,
            lifetime: Lifetime::default(),
            trust_forwarded_proto: false,
            proxies: None,
            save_unchanged: false,
            save_empty: false,
            rolling: false,
            cap: SessionLimit::Default,
            max_size: 1 << 20,
            lenient_keys: Vec::new(),
            outage: StoreOutage::default(),
            deadline: Duration::from_secs(5),
            commit_timeout: Duration::from_secs(5),
            fail_on_dropped_write: false,
            front: Front::default(),
            sweep_interval: Some(Duration::from_secs(60)),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            observer: None,
            hooks: Hooks::default(),
            transport: None,
            sweep_lottery: None,
            schema: None,
            remember_endings: None,
            ending_interval: Duration::from_secs(10),
        }
    }
}

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

/// # Clock, randomness and events
impl Config {
    /// Sets the clock. Default: [`SystemClock`]. Give the store the same one.
    ///
    /// ```
    /// use cloakroom::{Config, ManualClock, SessionManager, Timestamp, stores::MemoryStore};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::at(Timestamp::now()); // stands still, until a test moves it
    /// let store = MemoryStore::builder().clock(clock.clone()).build();
    /// let manager = SessionManager::new(store, Config::default().clock(clock.clone()))?;
    /// clock.advance(Duration::from_secs(60 * 60));
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source of the random bytes of ids. Default: [`SystemRandom`].
    ///
    /// ```
    /// use cloakroom::{Config, Random, Result};
    ///
    /// #[derive(Debug)]
    /// struct HardwareGenerator;
    ///
    /// impl Random for HardwareGenerator {
    ///     fn fill(&self, bytes: &mut [u8]) -> Result<()> {
    ///         # bytes.fill(4);
    ///         // Asks the device.
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let config = Config::default().random(HardwareGenerator);
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Sets what receives the events of sessions. Default: unset; events are dropped.
    ///
    /// ```
    /// # use cloakroom::{Config, Event, PlainRequest, SessionManager, stores::MemoryStore};
    /// # use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let created = Arc::new(AtomicU32::new(0)); // a metric
    /// let counter = created.clone();
    /// let config = Config::default().observer(move |event: &Event| {
    ///     if let Event::Created { .. } = event {
    ///         counter.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// });
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.insert("coat", "green")?;
    /// # session.save().await?;
    /// assert_eq!(created.load(Ordering::Relaxed), 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Returns whether every request loads its session, even if no handler asks for it.
    pub(crate) const fn always_loads(&self) -> bool {
        self.rolling || self.save_empty
    }

    /// Returns whether the beginning of a request takes no more than the cookies of one name: an engine asks this once.
    pub(crate) fn begins_plainly(&self) -> bool {
        self.cookie.secure != Secure::Auto
            && self.front.old_cookies.is_empty()
            && !self.hooks.read_requests()
            && !self.always_loads()
    }

    /// Returns whether a value of `key` that is of another type is absent.
    pub(crate) fn is_lenient(&self, key: &str) -> bool {
        self.lenient_keys.iter().any(|lenient| **lenient == *key)
    }
}
