//! Holds a user to as many sessions as configured.

use super::Commit;
use crate::Result;
use crate::observe::{End, Event};

impl Commit<'_> {
    /// Ends the oldest sessions of the user beyond the cap.
    ///
    /// Every log-in does this after it is stored. None ends a session that is among the newest of those it sees, so none
    /// of the newest of all is ever ended, and the last log-in sees all of them.
    pub(super) async fn trim_to_cap(&mut self) -> Result<()> {
        let engine = self.visit.engine();
        let (Some(cap), Some(owners)) = (engine.config().cap, engine.0.store.abilities().owners) else {
            return Ok(());
        };
        let Some(owner) = self.visit.with(|state| state.owner.clone()) else { return Ok(()) };
        loop {
            let mut entries = owners.list(&owner.key).await?;
            if entries.len() <= cap {
                return Ok(());
            }
            entries.sort_by_key(|entry| {
                let since = entry.stored.record.owner.as_ref().map(|owner| owner.since);
                std::cmp::Reverse((since, entry.key.clone()))
            });
            let mut count = 0;
            for entry in &entries[cap..] {
                count += u64::from(self.store().delete(&entry.key).await?.is_some());
            }
            if count > 0 {
                self.emit(&Event::Ended { reason: End::Cap, count });
            }
        }
    }
}
