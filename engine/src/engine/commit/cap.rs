//! Holds a user to as many sessions as configured.

use std::collections::HashMap;

use cloakroom_store::{Entry, Timestamp};

use super::Commit;
use crate::Result;
use crate::observe::{Doing, End, Event};
use crate::record::Payload;

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
            let entries = match owners.list(&owner.key).await {
                Ok(entries) => entries,
                Err(error) => {
                    self.wait_after_look(error).await?;
                    continue;
                }
            };
            let excess = beyond(cap, entries);
            if excess.is_empty() {
                return Ok(());
            }
            let mut count = 0;
            for entry in excess {
                match self.store().delete(&entry.key).await {
                    Ok(removed) => count += u64::from(removed.is_some()),
                    Err(error) => self.wait_after_look(error).await?,
                }
            }
            if count > 0 {
                self.emit(&Event::Ended { reason: End::Cap, count });
            }
        }
    }
}

/// The records of all but the `cap` newest sessions. A session whose id is just being renewed has two.
fn beyond(cap: usize, entries: Vec<Entry>) -> Vec<Entry> {
    let mut sessions: HashMap<Vec<u8>, (Option<Timestamp>, Vec<Entry>)> = HashMap::new();
    for entry in entries {
        let name = match Payload::decode(&entry.stored.record.payload) {
            Ok(Payload::Session(header, _)) => header.handle.to_vec(),
            _ => entry.key.as_bytes().to_vec(),
        };
        let since = entry.stored.record.owner.as_ref().map(|owner| owner.since);
        let (latest, records) = sessions.entry(name).or_default();
        *latest = since.max(*latest);
        records.push(entry);
    }
    let mut sessions: Vec<_> = sessions.into_iter().collect();
    sessions.sort_by(|(one, (a, _)), (other, (b, _))| (b, other).cmp(&(a, one)));
    sessions.into_iter().skip(cap).flat_map(|(_, (_, records))| records).collect()
}
