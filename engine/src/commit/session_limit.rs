//! Limits the sessions of a user: ends the oldest ones beyond the configured number.

use std::collections::HashMap;

use cloakroom_store::{OwnerKey, Timestamp};

use super::Commit;
use crate::audit;
use crate::listed::Listed;
use crate::observe::{EndReason, Event, Operation};
use crate::{GoneReason, PublicId, Result};

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
            self.engine.failed(Operation::Commit, &error);
        }
    }

    async fn end_beyond(&mut self, limit: usize, owner: &OwnerKey) -> Result<()> {
        loop {
            let excess = beyond(limit, self.records.list(owner).await?);
            if excess.is_empty() {
                return Ok(());
            }
            let mut count: u64 = 0;
            for session in excess {
                if self.records.end_exactly(&session.key, session.version, EndReason::Cap).await? {
                    let public_id = PublicId::new(session.session());
                    self.engine.note_end(session.session(), GoneReason::Ended(EndReason::Cap));
                    audit::ended_of(public_id, || session.user, EndReason::Cap.name());
                    count += 1;
                }
            }
            if count > 0 {
                self.engine.emit(&Event::Ended { reason: EndReason::Cap, count });
            } else if !self.records.wait_after_conflict().await {
                // The list of the store lags behind its updates, or other log-ins do the same: the next log-in looks again.
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
            *latest = record.logged_in_at.max(*latest);
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

#[cfg(test)]
mod tests {
    use cloakroom_store::{RecordHead, StoreKey, Version};

    use super::*;
    use crate::listed::mark_replacements;
    use crate::record::{Header, begin_session};

    fn listed(name: u8, since: u64, replaces: Option<u8>) -> Listed {
        let key = |name| StoreKey::from_hash([name; 32]);
        let (since, owner) = (Timestamp::from_millis(since), OwnerKey::new("alice").unwrap());
        let mut header = Header::new(since, [name; 16], [0; 16]);
        replaces.into_iter().for_each(|old| header.set_replaces(key(old)));
        let payload = begin_session(&header, 0).into();
        let head = RecordHead::new(key(name), Version::new(1), since, Timestamp::NEVER, true, payload);
        Listed::read_head(head, &owner).unwrap()
    }

    #[test]
    fn the_record_of_a_session_beyond_the_limit_ends_before_the_one_that_is_to_replace_it() {
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let mut records: Vec<_> = order
                .into_iter()
                .map(|place| match place {
                    0 => listed(5, 1, None),
                    1 => listed(6, 9, Some(5)),
                    _ => listed(7, 5, None),
                })
                .collect();
            mark_replacements(&mut records);
            let ended = beyond(1, records);
            let ended: Vec<_> = ended.iter().map(|record| record.key.as_bytes()[0]).collect();
            assert_eq!(ended, [5, 6], "{order:?}");
        }
    }
}
