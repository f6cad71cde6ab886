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
    /// As [`Builder::open`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::builder(url).open().await
    }

    /// Prepares a store on the servers that `url` names: `etcd://host:2379`, `etcd://user:password@host,host`, or
    /// `etcds://…` for TLS.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    /// Returns the largest payload that is kept, in bytes.
    pub fn largest_payload(&self) -> usize {
        self.largest_payload
    }

    /// Removes everything under the prefix, also what tells revocations and what [`Scan::clear`] keeps.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if no server answers; [`ErrorKind::Setup`] if the user may not do this.
    ///
    /// [`Scan::clear`]: cloakroom_store::Scan::clear
    pub async fn remove_everything(&self) -> Result<()> {
        Ok(self.server.remove_everything().await?)
    }

    /// Ends the leases that this store has made and still remembers, **with every key that hangs on them**: for a prefix
    /// that is given up, after [`remove_everything`](Self::remove_everything). Otherwise they end by themselves.
    ///
    /// # Errors
    /// As [`remove_everything`](Self::remove_everything).
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
