//! Removing what has expired, in short transactions.
//!
//! `due_at` is in an index, `expires_at` is not. A record is created with both the same; whatever moves the expiry
//! later leaves `due_at` behind, so that no index is written. When `due_at` is past, a sweep looks at the record, and
//! removes it or moves `due_at` on: once an idle timeout for a session that lives, however often it is written.

use cloakroom_store::{Result, SweepStats};
use sqlx::{Executor, MySqlConnection, Row};

use crate::connections::Harmless;
use crate::error::Failure;
use crate::layout::micros;
use crate::scan::number;
use crate::statements::Statements;
use crate::store::MysqlStore;

/// How many records one transaction looks at, at most: others can write in between.
const BATCH: usize = 500;

/// How far one transaction got.
struct Progress {
    swept: SweepStats,
    looked_at: usize,
}

impl MysqlStore {
    pub(crate) async fn sweep_up_to(&self, limit: usize) -> Result<SweepStats> {
        let now = micros(self.now());
        self.forget(now).await?;
        let mut swept = SweepStats::NOTHING;
        while swept.removed < limit {
            let batch = BATCH.min(limit - swept.removed);
            let progress = self.sweep_batch(now, batch).await?;
            swept += progress.swept;
            if progress.looked_at < batch {
                return Ok(swept); // the rest, if any, is locked by another sweep
            }
        }
        let is_due = || self.statements.is_due.question().bind(now).bind(now);
        let row = self.connections.one(Harmless::Yes, is_due).await?;
        Ok(swept.with_more(number(row.as_ref())? > 0))
    }

    /// Forgets old revocations, but for those that others work on.
    async fn forget(&self, now: i64) -> Result<(), Failure> {
        loop {
            let statements = self.statements.clone();
            let forgotten = self.connections.together(Harmless::Yes, move |connection| {
                let statements = statements.clone();
                Box::pin(async move {
                    let due = statements.forgettable.question().bind(now).bind(sized(BATCH));
                    let due = connection.fetch_all(due).await?;
                    for row in &due {
                        let forget = statements.forget.question().bind(row.try_get::<Vec<u8>, _>(0)?);
                        connection.execute(forget.bind(now)).await?;
                    }
                    Ok(due.len())
                })
            });
            if forgotten.await? < BATCH {
                return Ok(());
            }
        }
    }

    async fn sweep_batch(&self, now: i64, batch: usize) -> Result<Progress, Failure> {
        let statements = self.statements.clone();
        let swept = self.connections.together(Harmless::Yes, move |connection| {
            let statements = statements.clone();
            Box::pin(async move { sweep(connection, &statements, now, sized(batch)).await })
        });
        swept.await
    }
}

async fn sweep(
    connection: &mut MySqlConnection,
    statements: &Statements,
    now: i64,
    batch: i64,
) -> Result<Progress, Failure> {
    let due = connection.fetch_all(statements.due.question().bind(now).bind(batch)).await?;
    let (mut expired, mut alive) = (Vec::new(), Vec::new());
    let mut swept = SweepStats::NOTHING;
    for row in &due {
        if now < row.try_get(1)? {
            alive.push(row.try_get(0)?);
        } else {
            expired.push(row.try_get(0)?);
            swept.count(row.try_get(2)?);
        }
    }
    for (statement, ids) in [(&statements.sweep_away, &expired), (&statements.put_off, &alive)] {
        if !ids.is_empty() {
            connection.execute(statement.text_of(ids)).await?;
        }
    }
    Ok(Progress { swept, looked_at: due.len() })
}

fn sized(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
