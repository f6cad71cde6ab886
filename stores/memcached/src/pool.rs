//! Idle connections, kept for the next request.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::address::Address;
use crate::connection::Connection;
use crate::error::Failure;

/// Takes a connection, lets `work` use it, and puts it back if all went well; within the store's time.
macro_rules! in_time {
    ($store:expr, $connection:ident, $work:expr) => {{
        let work = async {
            let mut leased = $store.pool.take().await?;
            let $connection = &mut leased.connection;
            let answer = $work?;
            $store.pool.put(leased);
            Ok::<_, cloakroom_store::Error>(answer)
        };
        tokio::time::timeout($store.timeout, work).await.map_err(|_| $crate::error::Failure::LATE)?
    }};
}
pub(crate) use in_time;

/// Connections, up to a number, made when they are needed.
pub(crate) struct Pool {
    pub(crate) address: Address,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// A connection in use. One that is not put back is closed: answers may still be unread on it.
pub(crate) struct Leased {
    pub(crate) connection: Connection,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(address: Address, most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { address, places, idle: Mutex::default() }
    }

    /// Takes a connection that seems to be open, or makes one.
    pub(crate) async fn take(&self) -> Result<Leased, Failure> {
        // The semaphore is never closed.
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Failure::LATE)?;
        while let Some(mut connection) = self.pop() {
            if connection.is_open() {
                return Ok(Leased { connection, _place: place });
            }
        }
        Ok(Leased { connection: Connection::open(&self.address).await?, _place: place })
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(crate) fn put(&self, leased: Leased) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(leased.connection);
    }

    fn pop(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}
