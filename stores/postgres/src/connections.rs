//! Connections to the server: taking one from the pool, timeouts, and closing broken ones.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::error::{Failure, Remedy};
use crate::statements::Question;

/// A connection that was idle for longer is pinged before use: a firewall or proxy may have dropped it.
const LONG_IDLE: Duration = Duration::from_secs(30);
/// How often a question is asked that others are in the way of.
const TRIES: u32 = 64;

/// How long an operation waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) answer: Duration,
}

/// Whether a statement is idempotent: it may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harmless {
    Yes,
    No,
}

/// The pool.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: PgPool,
    limits: Limits,
    outage: Outage,
}

/// Limits that the server keeps: what is given up does not go on working there, whatever became of this process. Shorter ones
/// that the user or the URL sets stay. The parameter is milliseconds.
const SERVER_LIMITS: &str = "SELECT set_config(name, $1, false) FROM pg_settings
    WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout')
        AND (setting = '0' OR setting::bigint > $1::bigint)";
/// The same for one transaction, whose statement may take longer.
const LONGER: &str = "SELECT set_config('statement_timeout', $1, true)";

impl Connections {
    /// Returns a pool of our own; it opens no connection yet.
    pub(crate) fn new(options: &PgConnectOptions, most: u32, limits: Limits, limits_in_server: bool) -> Self {
        let outage = Outage::default();
        let seen = outage.clone();
        let pool = PgPoolOptions::new()
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
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if limits_in_server {
                        let question = sqlx::query(SERVER_LIMITS).persistent(false);
                        question.bind(millis(limits.answer)).execute(connection).await?;
                    }
                    Ok(())
                })
            })
            .connect_lazy_with(options.clone().disable_statement_logging());
        Self { pool, limits, outage }
    }

    /// Makes one of a pool that the application set up.
    pub(crate) fn of(pool: PgPool, limits: Limits) -> Self {
        Self { pool, limits, outage: Outage::default() }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Gets a connection.
    pub(crate) async fn lease(&self) -> Result<Lease, Failure> {
        let connection = Some(self.pool.acquire().await?);
        Ok(Lease { connection, end: EndReason::Unknown, patience: self.limits.answer + SLACK })
    }

    /// Asks for one row at most.
    pub(crate) async fn one(
        &self,
        harmless: Harmless,
        question: impl Fn() -> Question<'static> + Send + Sync,
    ) -> Result<Option<PgRow>, Failure> {
        let mut rows = self.all(self.limits.answer, harmless, question).await?;
        Ok(rows.pop())
    }

    /// Asks for all rows, within a time.
    pub(crate) async fn all(
        &self,
        within: Duration,
        harmless: Harmless,
        question: impl Fn() -> Question<'static> + Send + Sync,
    ) -> Result<Vec<PgRow>, Failure> {
        let (mut tries, mut reconnected) = (0, false);
        loop {
            let failure = match self.ask(within, question()).await {
                Ok(rows) => return Ok(rows),
                Err(failure) => failure,
            };
            match failure.remedy {
                Remedy::Again if tries < TRIES => tries += 1,
                Remedy::Reconnect if harmless == Harmless::Yes && !reconnected => reconnected = true,
                _ => return Err(failure),
            }
        }
    }

    async fn ask(&self, within: Duration, question: Question<'_>) -> Result<Vec<PgRow>, Failure> {
        let mut lease = self.lease().await?;
        let connection: &mut PgConnection = &mut lease;
        let answer = timeout(within, async {
            if within <= self.limits.answer {
                return question.fetch_all(connection).await;
            }
            let mut transaction = connection.begin().await?;
            let longer = sqlx::query(LONGER).persistent(false).bind(millis(within));
            longer.execute(&mut *transaction).await?;
            let rows = question.fetch_all(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(rows)
        });
        let answer = answer.await.map_or(Err(Failure::NO_ANSWER), |answer| answer.map_err(Failure::from));
        self.give_back(lease, answer)
    }

    /// Gives a connection back after this answer, unless it is of no use any more.
    pub(crate) fn give_back<T>(&self, mut lease: Lease, answer: Result<T, Failure>) -> Result<T, Failure> {
        lease.end = match answer {
            Err(failure) if failure.is_of_silence() => EndReason::Unknown,
            Err(Failure { remedy: Remedy::Reconnect, .. }) => EndReason::Broken,
            _ => EndReason::Known,
        };
        if lease.end != EndReason::Known {
            self.outage.begins();
        }
        answer
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

/// Returns the limit as PostgreSQL takes it.
fn millis(limit: Duration) -> String {
    limit.as_millis().clamp(1, i32::MAX as u128).to_string()
}

/// How much later than its own limit the server may answer that it has cancelled a statement.
const SLACK: Duration = Duration::from_millis(500);

/// What is known of the last statement of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndReason {
    /// It is over.
    Known,
    /// The connection is of no use any more.
    Broken,
    /// It may still be at work in the server: the caller stopped waiting.
    Unknown,
}

/// A connection in use.
///
/// Where the caller stopped waiting for an answer, the connection keeps its place in the pool until the statement is over
/// or the server has had the time to cancel it: otherwise a locked table would be waited for by ever more connections.
pub(crate) struct Lease {
    /// Always there, until the lease is dropped.
    connection: Option<PoolConnection<Postgres>>,
    end: EndReason,
    /// How long a statement may still be waited for that was given up.
    patience: Duration,
}

#[expect(
    clippy::expect_used,
    reason = "the connection is taken out when the lease is dropped, and not before"
)]
impl Deref for Lease {
    type Target = PoolConnection<Postgres>;
    fn deref(&self) -> &Self::Target {
        self.connection.as_ref().expect("a lease has a connection")
    }
}

#[expect(
    clippy::expect_used,
    reason = "the connection is taken out when the lease is dropped, and not before"
)]
impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.as_mut().expect("a lease has a connection")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let runtime = match self.end {
            EndReason::Known => return,
            EndReason::Broken => None,
            EndReason::Unknown => Handle::try_current().ok(),
        };
        let Some(runtime) = runtime else { return connection.close_on_drop() };
        let patience = self.patience;
        // Waits for the answer that was given up; the next user finds the connection ready.
        runtime.spawn(async move {
            if !matches!(timeout(patience, connection.ping()).await, Ok(Ok(()))) {
                connection.close_on_drop();
            }
        });
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

    /// Returns whether it was within the last `span`.
    fn was_within(&self, span: Duration) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        last > 0 && Duration::from_micros(self.now() - last.min(self.now())) <= span
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }
}
