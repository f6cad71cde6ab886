//! Connections to the server: how one is got, how long it may take, and when it is not to be used again.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlRow};
use sqlx::pool::PoolConnection;
use sqlx::{ConnectOptions, Connection, Executor, MySql, MySqlPool};
use tokio::time::timeout;

use crate::error::{Failure, Remedy};
use crate::statements::Question;

/// A connection that was idle for so long is asked whether it still is one: what stands between may have dropped it.
const LONG_IDLE: Duration = Duration::from_secs(30);
/// How often a question is asked that others are in the way of.
const TRIES: u32 = 64;

/// How long an operation waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) answer: Duration,
}

/// Whether a question does no harm if it is answered twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harmless {
    Yes,
    No,
}

/// The pool.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: MySqlPool,
    limits: Limits,
    outage: Outage,
}

impl Connections {
    /// A pool of our own; it opens no connection yet.
    pub(crate) fn new(options: &MySqlConnectOptions, most: u32, limits: Limits) -> Self {
        let outage = Outage::default();
        let seen = outage.clone();
        let pool = MySqlPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(limits.connect)
            // A trip for each trip; what this finds out is found out for less below.
            .test_before_acquire(false)
            .before_acquire(move |connection, about| {
                let doubtful = about.idle_for > LONG_IDLE || seen.was_within(about.idle_for);
                Box::pin(async move {
                    if doubtful {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            // What a statement that writes has read, even if it is nothing, stays so until it is done.
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection
                        .execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                        .await
                        .map(drop)
                })
            })
            .connect_lazy_with(options.clone().disable_statement_logging());
        Self { pool, limits, outage }
    }

    /// A pool that somebody else set up.
    pub(crate) fn of(pool: MySqlPool, limits: Limits) -> Self {
        Self { pool, limits, outage: Outage::default() }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Gets a connection.
    pub(crate) async fn lease(&self) -> Result<Lease, Failure> {
        Ok(Lease { connection: self.pool.acquire().await?, fit: false })
    }

    /// Asks for one row at most.
    pub(crate) async fn one(
        &self,
        harmless: Harmless,
        question: impl Fn() -> Question<'static> + Send + Sync,
    ) -> Result<Option<MySqlRow>, Failure> {
        let mut rows = self.all(self.limits.answer, harmless, question).await?;
        Ok(rows.pop())
    }

    /// Asks for all rows, within a time.
    pub(crate) async fn all(
        &self,
        within: Duration,
        harmless: Harmless,
        question: impl Fn() -> Question<'static> + Send + Sync,
    ) -> Result<Vec<MySqlRow>, Failure> {
        let mut patience = Patience::new(harmless);
        loop {
            match self.ask(within, question()).await {
                Err(failure) if patience.bears(failure) => {}
                answer => return answer,
            }
        }
    }

    /// Writes, and says how many rows were found to be written.
    pub(crate) async fn write(
        &self,
        harmless: Harmless,
        question: impl Fn() -> Question<'static> + Send + Sync,
    ) -> Result<u64, Failure> {
        let mut patience = Patience::new(harmless);
        loop {
            match self.tell(question()).await {
                Err(failure) if patience.bears(failure) => {}
                answer => return answer,
            }
        }
    }

    async fn ask(&self, within: Duration, question: Question<'_>) -> Result<Vec<MySqlRow>, Failure> {
        let mut lease = self.lease().await?;
        let answer = timeout(within, question.fetch_all(&mut **lease)).await;
        let answer = answer.map_or(Err(Failure::NO_ANSWER), |answer| answer.map_err(Failure::from));
        self.give_back(lease, answer)
    }

    async fn tell(&self, question: Question<'_>) -> Result<u64, Failure> {
        let mut lease = self.lease().await?;
        let answer = timeout(self.limits.answer, question.execute(&mut **lease)).await;
        let answer = answer.map_or(Err(Failure::NO_ANSWER), |answer| answer.map_err(Failure::from));
        self.give_back(lease, answer.map(|done| done.rows_affected()))
    }

    /// Gives a connection back after this answer, unless it is of no use any more.
    pub(crate) fn give_back<T>(&self, mut lease: Lease, answer: Result<T, Failure>) -> Result<T, Failure> {
        lease.fit = !matches!(answer, Err(Failure { remedy: Remedy::Reconnect, .. }));
        if !lease.fit {
            self.outage.begins();
        }
        answer
    }
}

/// How often a question is asked again.
pub(crate) struct Patience {
    harmless: Harmless,
    tries: u32,
    reconnected: bool,
}

impl Patience {
    pub(crate) fn new(harmless: Harmless) -> Self {
        Self { harmless, tries: 0, reconnected: false }
    }

    /// How long to wait before the next try: nothing at first, then longer each time.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(u64::from(self.tries.saturating_sub(3)))
    }

    /// Whether to ask again after this failure.
    pub(crate) fn bears(&mut self, failure: Failure) -> bool {
        match failure.remedy {
            Remedy::Again if self.tries < TRIES => self.tries += 1,
            Remedy::Reconnect if self.harmless == Harmless::Yes && !self.reconnected => {
                self.reconnected = true;
            }
            _ => return false,
        }
        true
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("open", &self.pool.size())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A connection in use. It is closed unless it was given back: whoever stopped waiting for an answer must not leave
/// that answer to the next one, nor wait for it in a pool that a silent server would fill up.
pub(crate) struct Lease {
    connection: PoolConnection<MySql>,
    fit: bool,
}

impl Deref for Lease {
    type Target = PoolConnection<MySql>;
    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.fit {
            self.connection.close_on_drop();
        }
    }
}

/// When a connection was last found broken: those that have been idle since then are probably broken too.
#[derive(Clone, Debug)]
struct Outage {
    began: Instant,
    /// Microseconds since `began`; 0 for never.
    last: Arc<AtomicU64>,
}

impl Default for Outage {
    fn default() -> Self {
        Self { began: Instant::now(), last: Arc::default() }
    }
}

impl Outage {
    fn begins(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// Whether it was within the last `span`.
    fn was_within(&self, span: Duration) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        last > 0 && Duration::from_micros(self.now() - last.min(self.now())) <= span
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }
}
