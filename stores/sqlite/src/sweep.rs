//! Removing what has expired, in short transactions.
//!
//! `due_at` is in an index, `expires_at` is not. A record is created with both the same; whatever moves the expiry
//! later leaves `due_at` behind, and so costs the index nothing. When `due_at` is past, a sweep looks at the record,
//! and removes it or moves `due_at` on: once an idle timeout for a session that lives, however often it is written.

use cloakroom_store::{SweepStats, Timestamp};
use rusqlite::{Row, params};

use crate::database::Database;
use crate::error::Failure;
use crate::layout::{micros, timestamp};

/// How many records one transaction looks at, at most: others can write in between.
const BATCH: u32 = 256;

/// How far one transaction got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) swept: SweepStats,
    pub(crate) rest: Rest,
}

/// What a transaction left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It looked at as many records as one transaction may; there may be more.
    Unknown,
    /// It has seen an expired record that it was not allowed to remove.
    Some,
    /// No record is due any more.
    None,
}

/// A record that is due.
struct Due {
    id: i64,
    expires_at: Timestamp,
    sliding: bool,
}

impl Database {
    /// Removes up to `limit` expired records, as far as one short transaction gets.
    pub(crate) fn sweep(&self, limit: usize) -> Result<Progress, Failure> {
        let now = self.now();
        self.statement(|layout| &layout.forget)?.execute(params![micros(now), BATCH])?;
        let due = self.due(now)?;
        let mut swept = SweepStats::NOTHING;
        for Due { id, expires_at, sliding } in &due {
            if now < *expires_at {
                self.statement(|layout| &layout.look_later)?.execute([id])?;
            } else if swept.removed < limit {
                self.statement(|layout| &layout.sweep_away)?.execute([id])?;
                swept.count(*sliding);
            } else {
                return Ok(Progress { swept, rest: Rest::Some });
            }
        }
        Ok(Progress { swept, rest: if due.len() < BATCH as usize { Rest::None } else { Rest::Unknown } })
    }

    fn due(&self, now: Timestamp) -> Result<Vec<Due>, Failure> {
        let read = |row: &Row<'_>| -> Result<Due, Failure> {
            Ok(Due { id: row.get(0)?, expires_at: timestamp(row.get(1)?)?, sliding: row.get(2)? })
        };
        self.statement(|layout| &layout.due)?.query_and_then(params![micros(now), BATCH], read)?.collect()
    }
}
