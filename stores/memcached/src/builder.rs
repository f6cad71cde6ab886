//! The options of a store, and their defaults.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, MissedTouches, Result, SystemClock};

use crate::address::Address;
use crate::bodies::{Inner, MemcachedBodies};
use crate::error::Failure;
use crate::layout::{LONGEST_PREFIX, PREFIX};
use crate::memory::Memory;
use crate::pool::Pool;
use crate::records::Rules;
use crate::store::MemcachedStore;

/// Sets the options of a [`MemcachedStore`]; [`MemcachedStore::builder`] makes one.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    url: String,
    prefix: Option<String>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    slack: Duration,
    connections: usize,
    largest_payload: usize,
}

impl Builder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            prefix: None,
            clock: Arc::new(SystemClock),
            timeout: Duration::from_secs(5),
            slack: Duration::from_secs(60),
            connections: 64,
            largest_payload: usize::MAX,
        }
    }

    /// Sets what the names of all items begin with, so that several stores can share a server. `cloakroom:` unless
    /// set; up to 48 visible ASCII characters.
    ///
    /// For [`open_bodies`](Self::open_bodies), it is what the Node application uses, and nothing unless set.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Sets the clock that decides what has expired. The operating system's unless set.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how long an operation may take, connecting included, before it fails as
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable). 5 seconds unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how much longer than its record memcached keeps an item. 60 seconds unless set.
    ///
    /// A record has expired all the same; the slack only keeps the server's clock out of that.
    pub fn slack(mut self, slack: Duration) -> Self {
        self.slack = slack;
        self
    }

    /// Sets how many connections there are at most; a request that needs one more waits. 64 unless set.
    pub fn connections(mut self, most: NonZeroUsize) -> Self {
        self.connections = most.get();
        self
    }

    /// Sets the largest payload that is kept, in bytes; a larger one is
    /// [`TooLarge`](cloakroom_store::ErrorKind::TooLarge). As much as the server keeps unless set: by default 1 MiB
    /// (its option `-I`), less 1 KiB.
    pub fn largest_payload(mut self, bytes: usize) -> Self {
        self.largest_payload = bytes;
        self
    }

    /// Connects, and opens the store.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if the URL or an option can never be right;
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable) if no server answers;
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) if user or password are wrong or missing, or if the server is too
    /// old or of another kind.
    pub async fn open(self) -> Result<MemcachedStore> {
        let mut store = self.open_lazily()?;
        store.check().await?;
        Ok(store)
    }

    /// Opens the store and connects later, for an application that starts although its cache is down.
    /// Whatever is wrong shows at the first request.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if the URL or an option can never be right.
    pub fn open_lazily(self) -> Result<MemcachedStore> {
        let rules = Rules {
            prefix: self.checked_prefix(PREFIX)?,
            clock: self.clock,
            slack: self.slack,
            largest_payload: self.largest_payload,
            memory: Memory::default(),
        };
        let pool = Pool::new(Address::parse(&self.url)?, self.connections);
        Ok(MemcachedStore { pool, rules, timeout: self.timeout, missed_touches: MissedTouches::default() })
    }

    /// Connects, and keeps bodies of Node's sessions instead of records: see [`MemcachedBodies`]. Set the prefix that the
    /// Node application uses, if it uses one. The [`slack`](Self::slack) does not count: the server's clock decides.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_bodies(self) -> Result<MemcachedBodies> {
        let bodies = MemcachedBodies::new(Inner {
            prefix: self.checked_prefix("")?,
            pool: Pool::new(Address::parse(&self.url)?, self.connections),
            clock: self.clock,
            timeout: self.timeout,
            largest: self.largest_payload,
            memory: Memory::default(),
        });
        bodies.check().await?;
        Ok(bodies)
    }

    /// Returns the prefix, or `unset` if it was not set.
    fn checked_prefix(&self, unset: &str) -> Result<String, Failure> {
        let prefix = self.prefix.as_deref().unwrap_or(unset);
        if prefix.len() > LONGEST_PREFIX || !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::WRONG_PREFIX);
        }
        Ok(prefix.to_owned())
    }
}

impl fmt::Debug for Builder {
    /// Leaves out the URL, which can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("slack", &self.slack)
            .field("connections", &self.connections)
            .field("largest_payload", &self.largest_payload)
            .finish_non_exhaustive()
    }
}
