//! The store: checks sizes, and leaves the rest to the server.

use std::fmt;

use cloakroom_store::{
    Capabilities, CreateOutcome, Error, ErrorKind, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};
use mongodb::bson::Document;
use mongodb::{Collection, Database};

use crate::builder::Builder;
use crate::error::Failure;
use crate::server::Server;

/// Keeps sessions in MongoDB.
///
/// The [front page](crate) says what it promises.
pub struct MongoStore {
    pub(crate) server: Server,
    largest_payload: usize,
}

impl MongoStore {
    /// Connects to the server that `url` names, makes the collection's indexes if they are missing, and opens the store.
    ///
    /// # Errors
    /// As [`from_url`](Self::from_url) and [`Builder::build`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::from_url(url)?.build().await
    }

    /// Sets options for the server that `url` names: `mongodb://user:password@host:27017/database?…` or
    /// `mongodb+srv://…`, with the options of MongoDB's connection strings. The options of the builder are settings of the
    /// same names: `collection`, `request_timeout=5s`, `expiry_margin=1h`, `create_indexes`, `max_payload_bytes`; and for
    /// [`Builder::build_bodies`] `stringify` and `ended_collection`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a setting cannot be right.
    pub fn from_url(url: &str) -> Result<Builder> {
        Builder::from_url(url)
    }

    /// Sets options for a database of a client that the application has already.
    pub fn from_database(database: Database) -> Builder {
        Builder::from_database(database)
    }

    /// Returns the collection that the records are in.
    pub fn collection(&self) -> Collection<Document> {
        self.server.records.clone()
    }

    /// Removes what the store has made in the database: the collection, with every record and revocation in it.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the server does not answer; [`ErrorKind::Setup`] if the user may not do this.
    pub async fn drop_all(&self) -> Result<()> {
        Ok(self.server.records.drop().await.map_err(Failure::from)?)
    }

    pub(crate) fn new(server: Server, largest_payload: usize) -> Self {
        Self { server, largest_payload }
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
impl Store for MongoStore {
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
        let capabilities = Capabilities::NONE.with_scan(self).with_owners(self);
        let capabilities = capabilities.with_missed_touches(&self.server.missed_touches);
        if self.server.tells_time { capabilities.with_server_clock(self) } else { capabilities }
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.server.records.namespace();
        f.debug_struct("MongoStore").field("collection", &namespace.to_string()).finish_non_exhaustive()
    }
}
