//! Records by owner, and revocations.

use std::time::Duration;

use cloakroom_store::{Cursor, HeadPage, OwnerKey, RecordHead, Result, Timestamp};
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

/// How much of a payload is asked for.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "it is 512")]
const PAYLOAD_BYTES: i32 = RecordHead::PAYLOAD_BYTES as i32;

/// Returns when the mark of a log-in may be forgotten.
pub(crate) fn forget_mark_at(now: Timestamp) -> Timestamp {
    now + MARKED
}

impl PostgresStore {
    /// Lists a page in the order of the keys; the cursor is the last key that was looked at.
    pub(crate) async fn list_of(
        &self,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let (now, most) = (self.now(), HeadPage::bounded(limit));
        let after = after.map_or(&[][..], Cursor::as_bytes);
        let question = || {
            let question = self.statements.list.question().bind(owner.as_bytes()).bind(after);
            question.bind(i64::try_from(most).unwrap_or(i64::MAX)).bind(PAYLOAD_BYTES)
        };
        let rows = self.connections.all(self.connections.limits().answer, Harmless::Yes, question).await?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>, Failure>>()?;
        let last = entries.last().filter(|_| entries.len() == most);
        let next = last.map(|entry| Cursor::new(entry.key.as_bytes().to_vec()));
        let mut heads: Vec<_> = entries.into_iter().filter_map(RecordHead::of).collect();
        heads.retain(|head| head.is_live(now));
        Ok(HeadPage::new(heads, next))
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
