//! Records by owner, and revocations.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cloakroom_store::{Cursor, HeadPage, OwnerKey, RecordHead, Result, Timestamp};
use sqlx::Row;
use tokio::time::sleep;

use crate::connections::{Harmless, Patience};
use crate::error::Failure;
use crate::layout::{entry, micros};
use crate::scan::after;
use crate::store::MysqlStore;

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_hours(24);

impl MysqlStore {
    /// Lists a page in the order of the rows' ids; the cursor is the last id that was looked at.
    pub(crate) async fn list_of(
        &self,
        owner: &OwnerKey,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let (now, after, most) = (self.now(), after(cursor)?, HeadPage::bounded(limit));
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let question = || self.statements.list.question().bind(owner.as_bytes()).bind(after).bind(limit);
        let rows = self.connections.all(self.connections.limits().answer, Harmless::Yes, question).await?;
        let last = rows.last().filter(|_| rows.len() == most);
        let last = last.map(|row| row.try_get::<i64, _>(7)).transpose().map_err(Failure::from)?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>, Failure>>()?;
        let mut heads: Vec<_> = entries.into_iter().filter_map(RecordHead::of).collect();
        heads.retain(|head| head.is_live(now));
        Ok(HeadPage::new(heads, last.map(|id| Cursor::new(id.to_be_bytes().to_vec()))))
    }

    pub(crate) async fn revoke_all_of(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let now = self.now();
        let moments = [micros(at), micros(now.max(at) + REMEMBERED), micros(now)];
        let keeps_gaps = self.connections.keeps_gaps.load(Ordering::Relaxed);
        let (mut patience, mut live) = (Patience::new(Harmless::No), 0);
        loop {
            let question = self.statements.revoke.revoking(owner, moments, keeps_gaps);
            // The mark comes first, and the isolation level next where it is set.
            let of_live = if keeps_gaps { 1 } else { 2 };
            // What was removed counts, also if a later statement has to be tried again.
            match self
                .connections
                .tell_all(question, |place, rows| live += if place == of_live { rows } else { 0 })
                .await
            {
                Err(failure) if patience.bears(failure) => sleep(patience.pause()).await,
                done => return Ok(done.map(|()| live)?),
            }
        }
    }
}
