//! The store's own connections.
//!
//! The pool of `sqlx` asks every connection that is given back whether it still lives: a trip for each trip. This one asks
//! when there is doubt, before the connection is used.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::outage::Outage;
use super::{Limits, SLACK, millis};
use crate::error::Failure;

/// A connection that was idle for longer is pinged before use: a firewall or proxy may have dropped it.
const LONG_IDLE: Duration = Duration::from_secs(30);
/// A connection that was idle for longer is closed when another one is given back.
const TOO_IDLE: Duration = Duration::from_mins(10);
/// A connection that is older is not used again, so that all of them move to another server in the end.
const TOO_OLD: Duration = Duration::from_mins(30);
/// How long it takes at first until a connection is tried again that could not be made, and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(320));

/// Sets limits that the server keeps: what is given up does not go on working there, whatever happens to this process. Shorter
/// ones that the user or the URL sets stay. The parameter is milliseconds.
const SERVER_LIMITS: &str = "SELECT set_config(name, $1, false) FROM pg_settings
    WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout')
        AND (setting = '0' OR setting::bigint > $1::bigint)";

/// Up to a number of connections.
pub(super) struct Pool {
    options: PgConnectOptions,
    limits: Limits,
    limits_in_server: bool,
    pub(super) outage: Outage,
    /// The connections that are not in use; the one that was used last is at the end.
    idle: Mutex<VecDeque<Idle>>,
    /// A place for each connection.
    places: Arc<Semaphore>,
}

/// A connection that is not in use.
struct Idle {
    connection: Owned,
    since: Instant,
}

/// A connection of the pool's.
pub(super) struct Owned {
    pub(super) connection: PgConnection,
    opened: Instant,
}

impl Pool {
    /// Returns a pool that has opened no connection yet.
    pub(super) fn new(options: &PgConnectOptions, most: u32, limits: Limits, limits_in_server: bool) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            options: options.clone().disable_statement_logging(),
            limits,
            limits_in_server,
            outage: Outage::default(),
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(most)),
        }
    }

    /// Returns how many connections are open and not in use.
    pub(super) fn idle(&self) -> usize {
        self.free().len()
    }

    /// Gets a connection, and its place.
    pub(super) async fn take(&self) -> Result<(Owned, OwnedSemaphorePermit), Failure> {
        let deadline = Instant::now() + self.limits.connect;
        let places = Arc::clone(&self.places);
        let Ok(Ok(place)) = timeout_at(deadline, places.acquire_owned()).await else {
            return Err(Failure::NO_CONNECTION);
        };
        while let Some(Idle { mut connection, since }) = self.last_used() {
            let idle = since.elapsed();
            let is_doubtful = idle > LONG_IDLE || self.outage.was_within(idle);
            if connection.opened.elapsed() > TOO_OLD {
                connection.say_goodbye();
            } else if !is_doubtful || self.answers(&mut connection).await {
                return Ok((connection, place));
            }
        }
        Ok((self.open(deadline).await?, place))
    }

    /// Puts a connection back whose last statement is over.
    pub(super) fn put(&self, connection: Owned) {
        let mut free = self.free();
        if let Some(first) = free.pop_front_if(|first| first.since.elapsed() > TOO_IDLE) {
            first.connection.say_goodbye();
        }
        free.push_back(Idle { connection, since: Instant::now() });
    }

    fn last_used(&self) -> Option<Idle> {
        self.free().pop_back()
    }

    fn free(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a connection still answers. There has to be time left to open another one.
    async fn answers(&self, connection: &mut Owned) -> bool {
        let limit = self.limits.answer.min(self.limits.connect / 2);
        matches!(timeout(limit, connection.connection.ping()).await, Ok(Ok(())))
    }

    /// Opens a connection; tries again until the deadline while the server cannot be reached.
    async fn open(&self, deadline: Instant) -> Result<Owned, Failure> {
        let mut pause = PAUSES.0;
        loop {
            let failure = match timeout_at(deadline, self.open_once()).await {
                Ok(Ok(connection)) => return Ok(Owned { connection, opened: Instant::now() }),
                Ok(Err(error)) => Failure::from(error).of_connecting(),
                Err(_) => return Err(Failure::NO_CONNECTION),
            };
            if !failure.may_pass() || Instant::now() + pause >= deadline {
                return Err(failure);
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn open_once(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        if self.limits_in_server {
            let question = sqlx::query(SERVER_LIMITS).persistent(false);
            question.bind(millis(self.limits.answer)).execute(&mut connection).await?;
        }
        Ok(connection)
    }
}

impl Owned {
    /// Closes the connection in the background, as the protocol says: otherwise the server writes a line about it.
    fn say_goodbye(self) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(SLACK, self.connection.close()));
        }
    }
}
