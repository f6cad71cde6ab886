//! Records by owner, and revocations.

use std::time::Duration;

use cloakroom_store::{Entry, OwnerKey, Result, Timestamp};
use sqlx::Row;

use crate::connections::Harmless;
use crate::error::Failure;
use crate::layout::{entry, micros};
use crate::store::PostgresStore;

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_hours(24);
/// How long the mark of a log-in is kept, on which a revocation at the same moment waits. It is needed only until
/// the log-in's statement is done; a user who logs in again soon finds it there.
const MARKED: Duration = Duration::from_hours(1);

/// When the mark of a log-in may be forgotten.
pub(crate) fn forget_mark_at(now: Timestamp) -> Timestamp {
    now + MARKED
}

impl PostgresStore {
    pub(crate) async fn list_of(&self, owner: &OwnerKey) -> Result<Vec<Entry>> {
        let now = micros(self.now());
        let question = || self.statements.list.question().bind(owner.as_bytes()).bind(now);
        let rows = self.connections.all(self.connections.limits().answer, Harmless::Yes, question).await?;
        Ok(rows.iter().map(entry).collect::<Result<_, Failure>>()?)
    }

    pub(crate) async fn revoke_all_of(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let now = self.now();
        let forget_at = micros(now.max(at) + REMEMBERED);
        let question = || {
            let question = self.statements.revoke.question().bind(owner.as_bytes()).bind(micros(at));
            question.bind(forget_at).bind(micros(now))
        };
        let row = self.connections.one(Harmless::No, question).await?.ok_or(Failure::DAMAGED_ROW)?;
        Ok(row.try_get::<i64, _>(0).map_err(Failure::from)?.unsigned_abs())
    }
}
