//! Connections to the server: which one carries a statement, time limits, and closing broken ones.

mod lease;
mod outage;
mod pool;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::time::timeout;

use self::lease::EndReason;
use self::pool::Pool;
use crate::error::{Failure, Remedy};
use crate::statements::Question;

pub(crate) use self::lease::Lease;

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

/// Connections of the store's own, or the application's pool.
#[derive(Clone)]
pub(crate) struct Connections {
    source: Source,
    limits: Limits,
}

#[derive(Clone)]
enum Source {
    Own(Arc<Pool>),
    Given(PgPool),
}

/// Sets the server's limit for one transaction, whose statement may take longer.
const LONGER: &str = "SELECT set_config('statement_timeout', $1, true)";

impl Connections {
    /// Returns connections of our own; none is open yet.
    pub(crate) fn new(options: &PgConnectOptions, most: u32, limits: Limits, limits_in_server: bool) -> Self {
        let pool = Pool::new(options, most, limits, limits_in_server);
        Self { source: Source::Own(Arc::new(pool)), limits }
    }

    /// Makes one of a pool that the application set up.
    pub(crate) fn of(pool: PgPool, limits: Limits) -> Self {
        Self { source: Source::Given(pool), limits }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Gets a connection.
    pub(crate) async fn lease(&self) -> Result<Lease, Failure> {
        let patience = self.limits.answer + SLACK;
        Ok(match &self.source {
            Source::Own(pool) => Lease::own(Arc::clone(pool), pool.take().await?, patience),
            Source::Given(pool) => Lease::given(pool.acquire().await?, patience),
        })
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
        if let (Source::Own(pool), EndReason::Broken | EndReason::Unknown) = (&self.source, lease.end) {
            pool.outage.begins();
        }
        answer
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle = match &self.source {
            Source::Own(pool) => pool.idle(),
            Source::Given(pool) => pool.num_idle(),
        };
        f.debug_struct("Connections")
            .field("idle", &idle)
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
