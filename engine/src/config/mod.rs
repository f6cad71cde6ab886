//! Every option, its default, and why.

mod check;
mod cookie;
mod describe;
mod error;
mod front;
mod hooks;
mod lifetimes;
mod outage;
mod preset;
mod saving;
mod schema;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, SystemClock};

pub use describe::Policy;
pub use error::ConfigError;
pub(crate) use front::Front;
pub use front::{Caching, Prefetch, SiteData};
pub use outage::{OutageFallback, StoreOutage};
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
