//! The options of a store, and their defaults.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use cloakroom_store::{Clock, MissedTouches, Result, StoreUrl, SystemClock};

use crate::connect::{TABLE, client};
use crate::store::DynamoStore;

/// Sets the options of a [`DynamoStore`]; [`DynamoStore::from_url`] and [`DynamoStore::from_client`] make one.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    client: Client,
    table: String,
    clock: Arc<dyn Clock>,
    max_payload_bytes: usize,
}

impl Builder {
    pub(crate) fn new(client: Client) -> Self {
        let (table, clock) = (TABLE.into(), Arc::new(SystemClock));
        Self { client, table, clock, max_payload_bytes: DynamoStore::MAX_PAYLOAD_BYTES }
    }

    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        let (client, table) = client(&mut url)?;
        let mut builder = Self::new(client);
        builder.table = url.text("table")?.or(table).unwrap_or(builder.table);
        if let Some(timeout) = url.duration("request_timeout")? {
            builder = builder.request_timeout(timeout);
        }
        if let Some(bytes) = url.parsed("max_payload_bytes")? {
            builder = builder.max_payload_bytes(bytes);
        }
        url.finish()?;
        Ok(builder)
    }

    /// Sets the clock that decides what has expired. The operating system's unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the table's name: `cloakroom` unless set, here or in the URL.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Sets the largest payload that is kept, in bytes; at most, and unless set, [`DynamoStore::MAX_PAYLOAD_BYTES`].
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes.min(DynamoStore::MAX_PAYLOAD_BYTES);
        self
    }

    /// Sets how long a request to DynamoDB may take before the operation fails as
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable). 5 seconds unless set; for a client that was given, what its
    /// own configuration says.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        let given = self.client.config().timeout_config().cloned();
        let timeouts = given.map_or_else(TimeoutConfig::builder, |given| given.to_builder());
        let timeouts = timeouts.operation_timeout(timeout).build();
        self.client = Client::from_conf(self.client.config().to_builder().timeout_config(timeouts).build());
        self
    }

    /// Makes the table, if it is missing, and waits until it can be used: for deploying, not for each start.
    ///
    /// It is paid for by request, and DynamoDB collects expired items.
    ///
    /// # Errors
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) if the credentials do not allow it, or if a table of that name is not ours;
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable).
    pub async fn create_tables(&self) -> Result<()> {
        Ok(self.store().make_table().await?)
    }

    /// Sees that the table is there and is ours.
    ///
    /// # Errors
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) if it is not, or the credentials are wrong;
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable).
    pub async fn build(self) -> Result<DynamoStore> {
        let store = self.store();
        store.look_at_table().await?;
        Ok(store)
    }

    /// Makes the store without a look at the table.
    pub fn build_lazy(self) -> DynamoStore {
        self.store()
    }

    fn store(&self) -> DynamoStore {
        let Self { client, table, clock, max_payload_bytes: largest_payload } = self.clone();
        DynamoStore { client, table, clock, largest_payload, missed_touches: MissedTouches::default() }
    }
}
