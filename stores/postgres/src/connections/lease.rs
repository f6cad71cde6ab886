//! A connection in use.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgConnection, Postgres};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::pool::{Owned, Pool};

/// A connection in use.
///
/// Where the caller stopped waiting for an answer, the connection keeps its place in the pool until the statement is over
/// or the server has had the time to cancel it: otherwise a locked table would be waited for by ever more connections.
pub(crate) struct Lease {
    /// Always there, until the lease is dropped.
    held: Option<Held>,
    pub(super) end: EndReason,
    /// How long a statement may still be waited for that was given up.
    patience: Duration,
}

/// The connection, and where it goes back to.
enum Held {
    Own { owned: Owned, pool: Arc<Pool>, place: OwnedSemaphorePermit },
    Given(PoolConnection<Postgres>),
}

/// What is known of the last statement of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndReason {
    /// It is over.
    Known,
    /// The connection is of no use any more.
    Broken,
    /// It may still be at work in the server: the caller stopped waiting.
    Unknown,
}

impl Lease {
    /// Takes a connection of the store's own.
    pub(super) fn own(
        pool: Arc<Pool>,
        (owned, place): (Owned, OwnedSemaphorePermit),
        patience: Duration,
    ) -> Self {
        Self { held: Some(Held::Own { owned, pool, place }), end: EndReason::Unknown, patience }
    }

    /// Closes the connection, whatever is under way on it.
    pub(crate) fn close(mut self) {
        self.end = EndReason::Broken;
    }

    /// Takes a connection of the application's pool.
    pub(super) fn given(connection: PoolConnection<Postgres>, patience: Duration) -> Self {
        Self { held: Some(Held::Given(connection)), end: EndReason::Unknown, patience }
    }
}

#[expect(
    clippy::expect_used,
    reason = "the connection is taken out when the lease is dropped, and not before"
)]
impl Deref for Lease {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        self.held.as_ref().expect("a lease has a connection").connection()
    }
}

#[expect(
    clippy::expect_used,
    reason = "the connection is taken out when the lease is dropped, and not before"
)]
impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.held.as_mut().expect("a lease has a connection").connection_mut()
    }
}

impl Held {
    fn connection(&self) -> &PgConnection {
        match self {
            Self::Own { owned, .. } => &owned.connection,
            Self::Given(connection) => connection,
        }
    }

    fn connection_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Own { owned, .. } => &mut owned.connection,
            Self::Given(connection) => connection,
        }
    }

    fn give_back(self) {
        match self {
            Self::Own { owned, pool, place } => {
                pool.put(owned);
                drop(place); // who waits for it finds the connection
            }
            Self::Given(connection) => drop(connection),
        }
    }

    fn close(self) {
        match self {
            Self::Own { owned, place, .. } => {
                drop(owned);
                drop(place);
            }
            Self::Given(mut connection) => connection.close_on_drop(),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        let runtime = match self.end {
            EndReason::Known => return held.give_back(),
            EndReason::Broken => None,
            EndReason::Unknown => Handle::try_current().ok(),
        };
        let Some(runtime) = runtime else { return held.close() };
        let patience = self.patience;
        // Waits for the answer that was given up; the next user finds the connection ready.
        runtime.spawn(async move {
            match timeout(patience, held.connection_mut().ping()).await {
                Ok(Ok(())) => held.give_back(),
                _ => held.close(),
            }
        });
    }
}
