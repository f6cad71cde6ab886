//! Writes a session under the id that it has.

use cloakroom_store::Updated;

use super::meet::Met;
use super::{Commit, Landing};
use crate::Result;

impl Commit<'_> {
    /// Replaces the stored session, merged with whatever other requests store meanwhile.
    pub(super) async fn update(&mut self) -> Result<Landing> {
        let landing = self.update_until_it_lands().await;
        self.answered();
        landing
    }

    async fn update_until_it_lands(&mut self) -> Result<Landing> {
        loop {
            let write = self.write(false)?;
            let place = self.visit.with(|state| {
                state
                    .stored()
                    .map(|stored| (stored.id.clone(), stored.key.clone(), stored.version, stored.late))
            });
            let Some((id, key, version, late)) = place else { return Ok(Landing::Dropped) };
            self.send();
            let met = match self.store().update(&key, version, &write.record).await {
                Ok(Updated::Updated(version)) => {
                    self.landed(write, id, key, version, late)?;
                    return Ok(Landing::Kept);
                }
                Ok(Updated::Conflict(stored)) => {
                    self.wait_after_conflict().await?;
                    self.meet(stored).await?
                }
                Ok(Updated::Gone) => Met::Ended,
                Ok(Updated::Revoked) => self.look_whether_spared().await?,
                Err(error) => {
                    self.wait_after(error).await?;
                    self.look_again().await?
                }
            };
            match met {
                Met::Ours => return Ok(Landing::Kept),
                Met::Rebased => {}
                // Values that only aged out are nothing that anybody misses.
                Met::Ended => return Ok(Landing::Dropped),
            }
        }
    }
}
