//! The store.

use std::fmt;
use std::sync::Arc;

use cloakroom_store::{
    Capabilities, Clock, CreateOutcome, Error, ErrorKind, MissedTouches, Record, Result, Store, StoreKey,
    Timestamp, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};
use sqlx::MySqlPool;
use sqlx::mysql::MySqlConnectOptions;

use crate::builder::Builder;
use crate::connections::Connections;
use crate::statements::Statements;

/// Keeps records in tables of a MariaDB or MySQL database.
///
/// Any number of stores, in any number of processes, can use the same tables.
pub struct MysqlStore {
    pub(crate) connections: Connections,
    pub(crate) statements: Statements,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether the server's clock dates log-ins and revocations.
    pub(crate) tells_time: bool,
    pub(crate) largest_payload: usize,
    pub(crate) missed_touches: MissedTouches,
}

impl MysqlStore {
    /// Connects to the database that `url` names, with default options; the tables have to be there.
    ///
    /// # Errors
    /// See [`from_url`](Self::from_url) and [`Builder::build`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::from_url(url)?.build().await
    }

    /// Sets options for the database that `url` names: `mysql://user:password@host:3306/database`, with the
    /// settings of [`MySqlConnectOptions`], such as `ssl-mode=VERIFY_IDENTITY&ssl-ca=ca.pem`.
    ///
    /// The options of the builder are settings of the same names: `prefix`, `connections`, `connect_timeout=3s`,
    /// `request_timeout=5s`, `max_payload_bytes`; and for [`Builder::build_bodies`] `table`, `node_session=5m`,
    /// `wide_characters` and `create_ended`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the URL or a setting cannot be right.
    pub fn from_url(url: &str) -> Result<Builder> {
        Builder::from_url(url)
    }

    /// Sets options for a database that is reached with these options.
    pub fn from_options(options: MySqlConnectOptions) -> Builder {
        Builder::options(options)
    }

    /// Sets options for a store that shares the application's own pool.
    pub fn from_pool(pool: MySqlPool) -> Builder {
        Builder::pool(pool)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
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
impl Store for MysqlStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.load_record(key, touch).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.check_size(record)?;
        self.create_record(key, record).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.check_size(record)?;
        self.update_record(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.touch_record(key, expires_at).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.delete_record(key).await
    }

    fn capabilities(&self) -> Capabilities<'_> {
        let capabilities = Capabilities::NONE.with_sweep(self).with_scan(self).with_owners(self);
        let capabilities = capabilities.with_missed_touches(&self.missed_touches);
        if self.tells_time { capabilities.with_server_clock(self) } else { capabilities }
    }
}

impl fmt::Debug for MysqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlStore").field("connections", &self.connections).finish_non_exhaustive()
    }
}
