//! Holds a user to as many sessions as configured.

use std::collections::HashMap;

use cloakroom_store::{OwnerKey, Timestamp};

use super::Commit;
use crate::Result;
use crate::observe::{Doing, End, Event};
use crate::records::Listed;

impl Commit<'_> {
    /// Ends the oldest sessions of the user beyond the limit.
    ///
    /// Every log-in does this after it is stored. None ends a session that is among the newest of those it sees, so none
    /// of the newest of all is ever ended, and the last log-in sees all of them. The log-in stands even if the store
    /// does not answer any more: its id must not be lost, and the next log-in sees what is left to do.
    pub(super) async fn enforce_session_limit(&mut self) {
        let Some(limit) = self.engine.session_limit() else { return };
        let Some(owner) = self.view.owner().map(|owner| owner.key.clone()) else { return };
        if let Err(error) = self.end_beyond(limit, &owner).await {
            self.engine.failed(Doing::Commit, &error);
        }
    }

    async fn end_beyond(&mut self, limit: usize, owner: &OwnerKey) -> Result<()> {
        loop {
            let excess = beyond(limit, self.records.list(owner).await?);
            if excess.is_empty() {
                return Ok(());
            }
            let mut count = 0;
            for session in excess {
                count += u64::from(self.records.end_exactly(&session.key, session.version).await?);
            }
            if count > 0 {
                self.engine.emit(&Event::Ended { reason: End::Cap, count });
            } else if !self.records.wait_after_conflict().await {
                // The list of the store lags behind its updates, or others are at it: the next log-in looks again.
                return Ok(());
            }
        }
    }
}

/// Returns the records of all but the `limit` newest sessions. A session whose id is just being renewed has two.
fn beyond(limit: usize, records: Vec<Listed>) -> Vec<Listed> {
    let mut sessions: HashMap<[u8; 16], (Timestamp, Vec<Listed>)> = HashMap::new();
    for record in records {
        let (latest, of_session) = sessions.entry(record.session()).or_default();
        if !record.is_replacement {
            *latest = record.since.max(*latest);
        }
        of_session.push(record);
    }
    let mut sessions: Vec<_> = sessions.into_iter().collect();
    sessions.sort_by(|(one, (a, _)), (other, (b, _))| (b, other).cmp(&(a, one)));
    let beyond = sessions.into_iter().skip(limit).flat_map(|(_, (_, mut records))| {
        // The original first: a renewal under way then finds that out, and leaves no redirect to nowhere.
        records.sort_by_key(|record| record.is_replacement);
        records
    });
    beyond.collect()
}
