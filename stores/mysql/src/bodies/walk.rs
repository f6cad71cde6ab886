//! Going through all bodies: to remove those that have expired, and to list ids.

use cloakroom_store::{BodyIds, Cursor, IdPage, Result, Sweep, SweepStats, Timestamp, async_trait};
use sqlx::Row;

use super::{Inner, MysqlBodies, failed};
use crate::connections::Harmless;
use crate::statements::Question;

/// How many expired bodies are looked for at once.
const BATCH: usize = 500;

#[async_trait]
impl Sweep for MysqlBodies {
    /// Removes one row at a time, so that none is locked that another request may want.
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let (inner, now, mut removed) = (&*self.0, self.0.clock.now(), 0);
        inner.forget(now).await.map_err(failed)?;
        while removed < limit {
            let batch = BATCH.min(limit - removed);
            let ids = inner.expired(now, batch).await?;
            let before = removed;
            for id in &ids {
                removed += inner.remove_expired(id, now).await?;
            }
            // Of those that others remove at the same moment, there may be as many as were asked for.
            if ids.len() < batch || removed == before {
                break;
            }
        }
        Ok(SweepStats::of_bodies(removed, limit))
    }
}

#[async_trait]
impl BodyIds for MysqlBodies {
    async fn ids(&self, after: Option<&Cursor>, limit: usize) -> Result<IdPage> {
        let last = IdPage::last_of(after)?;
        let question = || self.0.statements.ids.question().bind(last.clone()).bind(sized(limit.max(1)));
        Ok(IdPage::in_order(self.0.texts(question).await?, limit))
    }
}

impl Inner {
    async fn expired(&self, now: Timestamp, most: usize) -> Result<Vec<String>> {
        let earliest = self.layout.earliest(now);
        self.texts(|| self.statements.expired.question().bind(earliest).bind(sized(most))).await
    }

    /// Removes a body if it has expired still; returns how many that were.
    async fn remove_expired(&self, id: &str, now: Timestamp) -> Result<usize> {
        let earliest = self.layout.earliest(now);
        let question = || self.statements.remove_expired.question().bind(id.to_owned()).bind(earliest);
        let removed = self.connections.write(Harmless::Yes, question).await.map_err(failed)?;
        Ok(usize::try_from(removed).unwrap_or(0))
    }

    /// Asks for a column of texts.
    async fn texts(&self, question: impl Fn() -> Question<'static> + Send + Sync) -> Result<Vec<String>> {
        let within = self.connections.limits().answer;
        let rows = self.connections.all(within, Harmless::Yes, question).await.map_err(failed)?;
        rows.iter().map(|row| row.try_get(0).map_err(|error| failed(error.into()))).collect()
    }
}

fn sized(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
