//! The store: each method takes a connection, does its work in time, and puts the connection back.

use std::fmt;
use std::time::Duration;

use cloakroom_store::{
    Capabilities, CreateOutcome, Error, ErrorKind, MissedTouches, Record, Result, Store, StoreKey, Timestamp,
    Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};

use crate::builder::Builder;
use crate::pool::{Pool, in_time};
use crate::records::{Operation, Rules};

/// Keeps sessions in memcached.
///
/// The [front page](crate) says what it promises, and what memcached cannot.
pub struct MemcachedStore {
    pub(crate) pool: Pool,
    pub(crate) rules: Rules,
    pub(crate) timeout: Duration,
    pub(crate) missed_touches: MissedTouches,
}

impl MemcachedStore {
    /// Connects to the server that `url` names, and opens the store.
    ///
    /// # Errors
    /// As [`from_url`](Self::from_url) and [`Builder::build`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::from_url(url)?.build().await
    }

    /// Sets options for the server that `url` names: `memcached://host:11211`, `memcached://user:password@host`
    /// or `memcached:/run/memcached.sock`, and `?name=value&…` with `prefix`, `request_timeout=5s`, `expiry_margin=60s`,
    /// `connections` and `max_payload_bytes`.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if the URL or a setting cannot be right.
    pub fn from_url(url: &str) -> Result<Builder> {
        Builder::from_url(url)
    }

    /// Returns the largest payload that is kept, in bytes; what the server keeps is known once the store is connected.
    pub fn max_payload_bytes(&self) -> usize {
        self.rules.largest_payload
    }

    /// Connects, so that whatever is wrong shows, and learns what the server keeps.
    pub(crate) async fn check(&mut self) -> Result<()> {
        let room = in_time!(self, connection, Ok::<_, Error>(connection.room()))?;
        self.rules.largest_payload = self.rules.largest_payload.min(room);
        Ok(())
    }
}

#[async_trait]
impl Store for MemcachedStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let loaded =
            in_time!(self, connection, Operation::new(&self.rules, connection, key).load(touch).await);
        match loaded {
            // The server has refused to keep the record with its new expiry, and still has the old one.
            Err(error) if touch.is_some() && error.kind() == ErrorKind::Full => {
                let found =
                    in_time!(self, connection, Operation::new(&self.rules, connection, key).load(None).await);
                self.missed_touches.record(error.kind());
                found
            }
            loaded => loaded,
        }
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        in_time!(self, connection, Operation::new(&self.rules, connection, key).create(record).await)
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        in_time!(
            self,
            connection,
            Operation::new(&self.rules, connection, key).update(expected, record).await
        )
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        in_time!(self, connection, Operation::new(&self.rules, connection, key).touch(expires_at).await)
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        in_time!(self, connection, Operation::new(&self.rules, connection, key).delete().await)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE.with_missed_touches(&self.missed_touches)
    }
}

impl fmt::Debug for MemcachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedStore").field("server", &self.pool.address).finish_non_exhaustive()
    }
}
