//! The options of a store, and their defaults.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use cloakroom_store::{Clock, MissedTouches, Result, SystemClock};

use crate::store::DynamoStore;

/// Sets the options of a [`DynamoStore`]; [`DynamoStore::builder`] and [`DynamoStore::at`] make one.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    client: Client,
    table: String,
    clock: Arc<dyn Clock>,
    largest_payload: usize,
}

impl Builder {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table, clock: Arc::new(SystemClock), largest_payload: DynamoStore::MAX_PAYLOAD }
    }

    /// Sets the clock that decides what has expired. The operating system's unless set.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the table's name.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Sets the largest payload that is kept, in bytes; at most, and unless set, [`DynamoStore::MAX_PAYLOAD`].
    pub fn largest_payload(mut self, bytes: usize) -> Self {
        self.largest_payload = bytes.min(DynamoStore::MAX_PAYLOAD);
        self
    }

    /// Makes the table, if it is missing, and waits until it can be used. For a deployment, not for each start.
    ///
    /// It is paid for by request, and DynamoDB collects expired items.
    ///
    /// # Errors
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) if the credentials do not allow it, or if a table of that name is not ours;
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable).
    pub async fn create_table(&self) -> Result<()> {
        Ok(self.store().make_table().await?)
    }

    /// Sees that the table is there and is ours.
    ///
    /// # Errors
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) if it is not, or the credentials are wrong;
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable).
    pub async fn open(self) -> Result<DynamoStore> {
        let store = self.store();
        store.look_at_table().await?;
        Ok(store)
    }

    /// Makes the store without a look at the table.
    pub fn unchecked(self) -> DynamoStore {
        self.store()
    }

    fn store(&self) -> DynamoStore {
        let Self { client, table, clock, largest_payload } = self.clone();
        DynamoStore { client, table, clock, largest_payload, missed_touches: MissedTouches::default() }
    }
}
