//! The store: a size that is checked, and otherwise questions to the server.

use std::fmt;
use std::sync::Arc;

use cloakroom_store::{
    Capabilities, CreateOutcome, Error, ErrorKind, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};

use crate::builder::Builder;
use crate::server::Server;

/// Keeps sessions in etcd.
///
/// The [front page](crate) says what it promises. Clones are the same store.
#[derive(Clone)]
pub struct EtcdStore {
    pub(crate) server: Arc<Server>,
    largest_payload: usize,
}

impl EtcdStore {
    /// Connects to the servers that `url` names, and opens the store.
    ///
    /// # Errors
    /// As [`from_url`](Self::from_url) and [`Builder::build`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::from_url(url)?.build().await
    }

    /// Sets options for the servers that `url` names: `etcd://host:2379`, `etcd://user:password@host,host`, or
    /// `etcds://…` for TLS; and `?name=value&…` with `prefix`, `ca=FILE` (root certificates), `cert=FILE` and `key=FILE` (the
    /// client's own), `request_timeout=5s`, `expiry_margin=1h` and `max_payload_bytes`.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if the URL or a setting cannot be right;
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) if a file cannot be read.
    pub fn from_url(url: &str) -> Result<Builder> {
        Builder::from_url(url)
    }

    /// Returns the largest payload that is kept, in bytes.
    pub fn max_payload_bytes(&self) -> usize {
        self.largest_payload
    }

    /// Removes everything under the prefix, also what tells revocations and what [`Scan::clear`] keeps.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if no server answers; [`ErrorKind::Setup`] if the user may not do this.
    ///
    /// [`Scan::clear`]: cloakroom_store::Scan::clear
    pub async fn drop_all(&self) -> Result<()> {
        Ok(self.server.remove_everything().await?)
    }

    /// Ends the leases that this store has made and still remembers, **with every key that hangs on them**: for a prefix
    /// that is given up, after [`drop_all`](Self::drop_all). Otherwise they end by themselves.
    ///
    /// # Errors
    /// As [`drop_all`](Self::drop_all).
    pub async fn end_leases(&self) -> Result<()> {
        Ok(self.server.end_leases().await?)
    }

    pub(crate) fn new(server: Server, largest_payload: usize) -> Self {
        Self { server: Arc::new(server), largest_payload }
    }

    fn check_size(&self, record: &Record) -> Result<()> {
        let (size, most) = (record.payload.len(), self.largest_payload);
        if size <= most {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::TooLarge,
            format!("a payload has at most {most} bytes here, this one {size}"),
        ))
    }
}

#[async_trait]
impl Store for EtcdStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        Ok(self.server.load(key, touch).await?)
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.check_size(record)?;
        Ok(self.server.create(key, record).await?)
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.check_size(record)?;
        Ok(self.server.update(key, expected, record).await?)
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        Ok(self.server.touch(key, expires_at).await?)
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        Ok(self.server.delete(key).await?)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE.with_scan(self).with_owners(self).with_missed_touches(&self.server.missed_touches)
    }
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore").field("server", &self.server).finish_non_exhaustive()
    }
}
