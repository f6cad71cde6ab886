//! Removing what has expired, in short statements.
//!
//! `due_at` is in an index, `expires_at` is not. A record is created with both the same; whatever moves the expiry
//! later leaves `due_at` behind, so that PostgreSQL writes no index (a "heap-only" update). When `due_at` is past, a
//! sweep looks at the record, and removes it or moves `due_at` on: once an idle timeout for a session that lives,
//! however often it is written.

use cloakroom_store::{Result, SweepStats};
use sqlx::Row;

use crate::connections::Harmless;
use crate::error::Failure;
use crate::layout::micros;
use crate::scan::number;
use crate::store::PostgresStore;

/// How many records one statement looks at, at most: others can write in between.
const BATCH: usize = 500;

impl PostgresStore {
    pub(crate) async fn sweep_up_to(&self, limit: usize) -> Result<SweepStats> {
        let now = micros(self.now());
        // A log-in leaves a mark, so there may be more of them than of expired records.
        let forget = || self.statements.forget.question().bind(now).bind(sized(BATCH));
        while number(self.connections.one(Harmless::Yes, forget).await?.as_ref(), 0)? >= BATCH as u64 {}
        let mut swept = SweepStats::NOTHING;
        while swept.removed < limit {
            let batch = BATCH.min(limit - swept.removed);
            let question = || self.statements.sweep.question().bind(now).bind(sized(batch));
            let row = self.connections.one(Harmless::Yes, question).await?;
            let count = |column| {
                number(row.as_ref(), column).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
            };
            swept += SweepStats::new(count(0)?, count(2)?, false);
            if count(1)? < batch {
                return Ok(swept); // the rest, if any, is locked by another sweep
            }
        }
        Ok(swept.with_more(self.is_due(now).await?))
    }

    async fn is_due(&self, now: i64) -> Result<bool, Failure> {
        let row = self.connections.one(Harmless::Yes, || self.statements.is_due.question().bind(now)).await?;
        Ok(row.ok_or(Failure::DAMAGED_ROW)?.try_get(0)?)
    }
}

fn sized(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
