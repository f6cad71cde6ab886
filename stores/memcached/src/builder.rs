//! The options of a store, and their defaults.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, MissedTouches, Result, StoreUrl, SystemClock};

use crate::address::Address;
use crate::bodies::{Inner, MemcachedBodies};
use crate::error::Failure;
use crate::layout::{LONGEST_PREFIX, PREFIX};
use crate::memory::Memory;
use crate::pool::Pool;
use crate::records::Rules;
use crate::store::MemcachedStore;

/// Sets the options of a [`MemcachedStore`]; [`MemcachedStore::from_url`] makes one.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    address: Address,
    prefix: Option<String>,
    clock: Arc<dyn Clock>,
    request_timeout: Duration,
    expiry_margin: Duration,
    connections: usize,
    max_payload_bytes: usize,
}

impl Builder {
    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        let mut builder = Self::new(Address::parse(url.without_settings())?);
        builder.prefix = url.text("prefix")?;
        if let Some(timeout) = url.duration("request_timeout")? {
            builder = builder.request_timeout(timeout);
        }
        if let Some(margin) = url.duration("expiry_margin")? {
            builder = builder.expiry_margin(margin);
        }
        if let Some(most) = url.parsed("connections")? {
            builder = builder.connections(most);
        }
        if let Some(bytes) = url.parsed("max_payload_bytes")? {
            builder = builder.max_payload_bytes(bytes);
        }
        url.finish()?;
        Ok(builder)
    }

    fn new(address: Address) -> Self {
        Self {
            address,
            prefix: None,
            clock: Arc::new(SystemClock),
            request_timeout: Duration::from_secs(5),
            expiry_margin: Duration::from_secs(60),
            connections: 64,
            max_payload_bytes: usize::MAX,
        }
    }

    /// Sets what the names of all items begin with, so that several stores can share a server. `cloakroom:` unless
    /// set; up to 48 visible ASCII characters.
    ///
    /// For [`build_bodies`](Self::build_bodies), it is what the Node application uses, and nothing unless set.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Sets the clock that decides what has expired. The operating system's unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how long an operation may take, connecting included, before it fails as
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable). 5 seconds unless set.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how much longer than its record memcached keeps an item. 60 seconds unless set.
    ///
    /// A record has expired all the same; the margin only keeps the server's clock out of that.
    pub fn expiry_margin(mut self, margin: Duration) -> Self {
        self.expiry_margin = margin;
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
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes;
        self
    }

    /// Connects, and opens the store.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if an option can never be right;
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable) if no server answers;
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) if user or password are wrong or missing, or if the server is too
    /// old or of another kind.
    pub async fn build(self) -> Result<MemcachedStore> {
        let mut store = self.build_lazy()?;
        store.check().await?;
        Ok(store)
    }

    /// Opens the store and connects later, for an application that starts although its cache is down.
    /// Whatever is wrong shows at the first request.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if an option can never be right.
    pub fn build_lazy(self) -> Result<MemcachedStore> {
        let rules = Rules {
            prefix: self.checked_prefix(PREFIX)?,
            clock: self.clock,
            slack: self.expiry_margin,
            largest_payload: self.max_payload_bytes,
            memory: Memory::default(),
        };
        let pool = Pool::new(self.address, self.connections);
        let missed_touches = MissedTouches::default();
        Ok(MemcachedStore { pool, rules, timeout: self.request_timeout, missed_touches })
    }

    /// Connects, and keeps bodies of Node's sessions instead of records: see [`MemcachedBodies`]. Set the prefix that the
    /// Node application uses, if it uses one. The [`expiry_margin`](Self::expiry_margin) does not count: the server's clock decides.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub async fn build_bodies(self) -> Result<MemcachedBodies> {
        let bodies = MemcachedBodies::new(Inner {
            prefix: self.checked_prefix("")?,
            pool: Pool::new(self.address, self.connections),
            clock: self.clock,
            timeout: self.request_timeout,
            largest: self.max_payload_bytes,
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
    /// Leaves out the address, which can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("prefix", &self.prefix)
            .field("request_timeout", &self.request_timeout)
            .field("expiry_margin", &self.expiry_margin)
            .field("connections", &self.connections)
            .field("max_payload_bytes", &self.max_payload_bytes)
            .finish_non_exhaustive()
    }
}
