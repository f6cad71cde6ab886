//! The store: checks sizes, and leaves the rest to the server.

use std::fmt;

use cloakroom_store::{
    Capabilities, CreateOutcome, Error, ErrorKind, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};
use mongodb::bson::Document;
use mongodb::{Collection, Database};

use crate::builder::Builder;
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
    /// As [`Builder::open`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::builder(url).open().await
    }

    /// Prepares a store on the server that `url` names: `mongodb://user:password@host:27017/database?…` or
    /// `mongodb+srv://…`, with the options of MongoDB's connection strings.
    pub fn builder(url: &str) -> Builder {
        Builder::from_url(url)
    }

    /// Prepares a store in a database that the application has already.
    pub fn builder_on(database: Database) -> Builder {
        Builder::from_database(database)
    }

    /// Returns the collection that the records are in.
    pub fn collection(&self) -> Collection<Document> {
        self.server.records.clone()
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
