//! Writes a session under the id that it has.

use cloakroom_store::{Stored, Updated};

use super::meet::{Met, cannot_be_told};
use super::{Commit, Landing};
use crate::Result;

/// Why a write did not land.
enum Setback {
    /// This is there instead of what was expected.
    Conflict(Stored),
    Gone,
    /// The user's sessions were ended.
    Revoked,
    Failed(cloakroom_store::Error),
}

impl Commit<'_> {
    /// Replaces the stored session, merged with whatever other requests store meanwhile.
    pub(super) async fn update(&mut self) -> Result<Landing> {
        match self.update_once().await? {
            Ok(()) => Ok(Landing::Kept),
            Err(setback) => Box::pin(self.update_after(setback)).await,
        }
    }

    async fn update_once(&mut self) -> Result<Result<(), Setback>> {
        let write = self.write(false)?;
        let place =
            self.visit.with(|state| state.stored().map(|stored| (stored.key.clone(), stored.version)));
        let Some((key, version)) = place else { return Ok(Err(Setback::Gone)) };
        match self.store().update(&key, version, &write.record).await {
            Ok(Updated::Updated(version)) => self.landed(write, version).map(Ok),
            Ok(Updated::Conflict(stored)) => Ok(Err(Setback::Conflict(stored))),
            Ok(Updated::Gone) => Ok(Err(Setback::Gone)),
            Ok(Updated::Revoked) => Ok(Err(Setback::Revoked)),
            Err(error) => Ok(Err(Setback::Failed(error))),
        }
    }

    async fn update_after(&mut self, setback: Setback) -> Result<Landing> {
        let landing = self.update_until_it_lands(setback).await;
        self.answered();
        landing
    }

    async fn update_until_it_lands(&mut self, mut setback: Setback) -> Result<Landing> {
        let mut unanswered = false;
        loop {
            unanswered |= matches!(&setback, Setback::Failed(error) if error.is_uncertain());
            match self.make_of(setback).await? {
                Met::Ours => return Ok(Landing::Kept),
                Met::Rebased => {}
                // What landed before the log-in went along into its session, and that is not looked into.
                Met::Replaced if unanswered => return Err(cannot_be_told()),
                // Values that only aged out are nothing that anybody misses.
                Met::Ended | Met::Replaced => return Ok(Landing::Dropped),
            }
            match self.update_once().await? {
                Ok(()) => return Ok(Landing::Kept),
                Err(again) => setback = again,
            }
        }
    }

    async fn make_of(&mut self, setback: Setback) -> Result<Met> {
        match setback {
            Setback::Conflict(stored) => {
                self.wait_after_conflict().await?;
                self.meet(stored).await
            }
            Setback::Gone => Ok(Met::Ended),
            Setback::Revoked => self.look_whether_spared().await,
            Setback::Failed(error) => {
                self.wait_after(error).await?;
                self.look_again().await
            }
        }
    }
}
