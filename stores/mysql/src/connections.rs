//! Connections to the server: taking one from the pool, timeouts, and closing broken ones.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlRow};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, Executor, MySql, MySqlPool, RawSql};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

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
    pool: MySqlPool,
    limits: Limits,
    outage: Outage,
    /// Whether the server's log of statements forbids a transaction that locks no gaps.
    pub(crate) keeps_gaps: Arc<AtomicBool>,
}

/// Returns what a connection of our own begins with: every statement is committed when it is answered; SQL means what
/// it means by default; and the server keeps limits of its own, so that what is given up does not go on working there,
/// whatever became of this process. Each server passes over what only the other one knows.
fn settings(limits: Limits) -> String {
    let (seconds, millis) = (limits.answer.as_secs_f64().max(0.001), limits.answer.as_millis().max(1));
    let whole = limits.answer.as_secs().saturating_add(1).min(31_536_000);
    format!(
        "SET SESSION autocommit = 1, sql_mode = 'PIPES_AS_CONCAT,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
            /*M! max_statement_time = {seconds}, idle_transaction_timeout = {whole}, */
            /*!80000 max_execution_time = {millis}, */
            innodb_lock_wait_timeout = {whole}, lock_wait_timeout = {whole}"
    )
}

impl Connections {
    /// Returns a pool of our own; it opens no connection yet.
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
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    // What a statement that writes has read, even if it is nothing, stays so until it is done.
                    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
                    connection.execute(sqlx::raw_sql(AssertSqlSafe(settings(limits)))).await.map(drop)
                })
            })
            .connect_lazy_with(options.clone().disable_statement_logging());
        Self { pool, limits, outage, keeps_gaps: Arc::default() }
    }

    /// Makes one of a pool that the application set up.
    pub(crate) fn of(pool: MySqlPool, limits: Limits) -> Self {
        Self { pool, limits, outage: Outage::default(), keeps_gaps: Arc::default() }
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
                // Without a pause, statements that lock in different orders would meet again.
                Err(failure) if patience.bears(failure) => sleep(patience.pause()).await,
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
                // Without a pause, statements that lock in different orders would meet again.
                Err(failure) if patience.bears(failure) => sleep(patience.pause()).await,
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

    /// Carries out several statements in one trip, in order, up to the first that fails. `count` hears of each that is done:
    /// its place, and how many rows it changed.
    pub(crate) async fn tell_all(
        &self,
        statements: RawSql,
        mut count: impl FnMut(usize, u64) + Send,
    ) -> Result<(), Failure> {
        let mut lease = self.lease().await?;
        let answer = timeout(self.limits.answer, async {
            let mut answers = (&mut **lease).fetch_many(statements);
            let mut place = 0;
            while let Some(answer) = answers.try_next().await? {
                if let Either::Left(done) = answer {
                    count(place, done.rows_affected());
                    place += 1;
                }
            }
            Ok(())
        });
        let answer =
            answer.await.map_or(Err(Failure::NO_ANSWER), |done| done.map_err(|e: sqlx::Error| e.into()));
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

    /// Returns how long to wait before the next try: nothing at first, then longer each time.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(u64::from(self.tries.saturating_sub(3)))
    }

    /// Returns whether to ask again after this failure.
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
    connection: Option<PoolConnection<MySql>>,
    end: EndReason,
    /// How long a statement may still be waited for that was given up.
    patience: Duration,
}

#[expect(
    clippy::expect_used,
    reason = "the connection is taken out when the lease is dropped, and not before"
)]
impl Deref for Lease {
    type Target = PoolConnection<MySql>;
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
