//! The store: a method for each of the contract's.

use std::fmt;
use std::sync::Arc;

use cloakroom_store::{
    Capabilities, Clock, CreateOutcome, Error, ErrorKind, MissedTouches, Record, Result, Store, StoreKey,
    Timestamp, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};
use redis::aio::ConnectionManager;
use redis::cluster::ClusterClientBuilder;

use crate::builder::Builder;
use crate::compare::Compare;
use crate::layout::Layout;
use crate::server::Server;

/// Keeps records in Redis or Valkey.
///
/// Any number of stores, in any number of processes, can use the same servers. A clone is another handle on the same
/// connections.
#[derive(Clone)]
pub struct RedisStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) server: Server,
    pub(crate) layout: Layout,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether there is one server, whose clock dates log-ins and revocations.
    pub(crate) tells_time: bool,
    pub(crate) largest_payload: usize,
    pub(crate) kind: &'static str,
    pub(crate) missed_touches: MissedTouches,
    pub(crate) compare: Compare,
}

impl RedisStore {
    /// Opens the server or servers that `url` names, with default options; see [`from_url`](Self::from_url) for URLs.
    ///
    /// # Errors
    /// See [`from_url`](Self::from_url) and [`Builder::build`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::from_url(url)?.build().await
    }

    /// Sets options for the server or servers that `url` names:
    ///
    /// | URL | servers |
    /// |---|---|
    /// | `redis://[[user]:password@]host[:port][/database]` | one |
    /// | `redis+sentinel://[[user]:password@]host[:port],host[:port]…/master[/database]` | the master that these sentinels name |
    /// | `redis+cluster://[[user]:password@]host[:port],host[:port]…` | a cluster, of which these are some nodes |
    ///
    /// With `rediss` for `redis`, TLS. Options follow as `?name=value&…`: `prefix`, `protocol=resp3`, `ca=FILE` (root
    /// certificates), `cert=FILE` and `key=FILE` (the client's own), `wait_for_replicas=NUMBER`, `replica_timeout=1s`,
    /// `request_timeout=3s`, `connect_timeout=3s`, `max_payload_bytes`, `allow_eviction=true`; for sentinels also `sentinel_username` and
    /// `sentinel_password`. What would mean something else is written as `%XX`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the URL is malformed, [`ErrorKind::Setup`] if the file of certificates cannot be read.
    pub fn from_url(url: &str) -> Result<Builder> {
        Builder::from_url(url)
    }

    /// Sets options for one server, reached through a connection that the application has already.
    pub fn from_client(manager: ConnectionManager) -> Builder {
        Builder::given(manager)
    }

    /// Sets options for a cluster whose nodes, passwords and certificates are set in `nodes`. Timeouts and retries
    /// are the store's.
    pub fn from_cluster(nodes: ClusterClientBuilder) -> Builder {
        Builder::cluster(nodes)
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn check_size(&self, record: &Record) -> Result<()> {
        let (size, most) = (record.payload.len(), self.largest_payload);
        if size <= most {
            return Ok(());
        }
        let message = format!("a payload has at most {most} bytes here, this one {size}");
        Err(Error::new(ErrorKind::TooLarge, message))
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        match touch {
            None => self.0.load(key).await,
            Some(touch) => self.0.load_and_touch(key, touch).await,
        }
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.0.check_size(record)?;
        self.0.create(key, record).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.0.check_size(record)?;
        self.0.update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.0.touch(key, expires_at).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.0.delete(key).await
    }

    fn capabilities(&self) -> Capabilities<'_> {
        let capabilities = Capabilities::NONE.with_scan(self).with_owners(self);
        let capabilities = capabilities.with_missed_touches(&self.0.missed_touches);
        if self.0.tells_time { capabilities.with_server_clock(self) } else { capabilities }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("kind", &self.0.kind)
            .field("layout", &self.0.layout)
            .finish_non_exhaustive()
    }
}
