//! Holds a user to as many sessions as configured.

use std::collections::{BTreeMap, HashMap};

use cloakroom_store::{OwnerKey, Owners, RecordHead, Timestamp};

use super::Commit;
use crate::Result;
use crate::observe::{Doing, End, Event};
use crate::record::read_head;

/// How many records are looked at in one call of the store.
const PAGE: usize = 100;

impl Commit<'_> {
    /// Ends the oldest sessions of the user beyond the cap.
    ///
    /// Every log-in does this after it is stored. None ends a session that is among the newest of those it sees, so none
    /// of the newest of all is ever ended, and the last log-in sees all of them. The log-in stands even if the store
    /// does not answer any more: its id must not be lost, and the next log-in sees what is left to do.
    pub(super) async fn trim_to_cap(&mut self) {
        if let Err(error) = self.try_to_trim().await {
            self.visit.engine().failed(Doing::Commit, &error);
        }
    }

    async fn try_to_trim(&mut self) -> Result<()> {
        let engine = self.visit.engine();
        let (Some(cap), Some(owners)) = (engine.config().cap, engine.0.store.abilities().owners) else {
            return Ok(());
        };
        let Some(owner) = self.visit.with(|state| state.owner.clone()) else { return Ok(()) };
        loop {
            let excess = beyond(cap, self.heads_of(owners, &owner.key).await?);
            if excess.is_empty() {
                return Ok(());
            }
            let mut count = 0;
            for head in excess {
                match engine.end_exactly(&head.key, head.version).await {
                    Ok(ended) => count += u64::from(ended),
                    Err(error) => self.wait_after_look(error).await?,
                }
            }
            if count > 0 {
                self.emit(&Event::Ended { reason: End::Cap, count });
            }
        }
    }
}

impl Commit<'_> {
    /// The heads of all records of the owner in the order of their keys, the last of each that was seen.
    async fn heads_of(&mut self, owners: &dyn Owners, owner: &OwnerKey) -> Result<Vec<RecordHead>> {
        let (mut heads, mut after) = (BTreeMap::new(), None);
        loop {
            match owners.list(owner, after.as_ref(), PAGE).await {
                Ok(page) => {
                    heads.extend(page.heads.into_iter().map(|head| (head.key.clone(), head)));
                    after = page.next;
                    if after.is_none() {
                        return Ok(heads.into_values().collect());
                    }
                }
                Err(error) => {
                    self.wait_after_look(error).await?;
                    (heads, after) = (BTreeMap::new(), None);
                }
            }
        }
    }
}

/// The records of all but the `cap` newest sessions. A session whose id is just being renewed has two.
fn beyond(cap: usize, heads: Vec<RecordHead>) -> Vec<RecordHead> {
    let mut sessions: HashMap<Vec<u8>, (Timestamp, Vec<RecordHead>)> = HashMap::new();
    for head in heads {
        let name = match read_head(&head.payload_head) {
            Some((header, _)) => header.handle.to_vec(),
            None => head.key.as_bytes().to_vec(),
        };
        let (latest, records) = sessions.entry(name).or_default();
        *latest = head.since.max(*latest);
        records.push(head);
    }
    let mut sessions: Vec<_> = sessions.into_iter().collect();
    sessions.sort_by(|(one, (a, _)), (other, (b, _))| (b, other).cmp(&(a, one)));
    sessions.into_iter().skip(cap).flat_map(|(_, (_, records))| records).collect()
}
