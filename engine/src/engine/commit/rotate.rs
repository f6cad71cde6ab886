//! Gives a session a new id.
//!
//! The new record is stored first, and nobody knows its id. Then the old one is replaced, under its version, by a trail.
//! If somebody else was faster there, the new record is brought up to date or taken back. Only when both are done is
//! the client told.

use cloakroom_store::{Record, StoreKey, Updated, Version};

use super::create::{New, Stocked};
use super::meet::Met;
use super::{Commit, Landing, Privilege};
use crate::observe::Renewal;
use crate::record::{Frames, Payload, Trail, trail_payload};
use crate::{Handle, Result};

/// What became of the old record.
enum Old {
    /// It is a trail now.
    Left,
    /// It holds changes of another request, which the new record lacks.
    Changed,
    /// Another request gave the session a new id.
    Moved,
    /// It is gone.
    Ended,
}

impl Commit<'_> {
    pub(super) async fn rotate(&mut self, privilege: Privilege) -> Result<Landing> {
        let New::Stored(mut new) = self.stock().await? else { return Ok(Landing::Dropped) };
        match self.replace_old(&mut new, privilege).await {
            Ok(Old::Left) => self.tell(*new, privilege).await,
            Ok(Old::Moved) => {
                self.take_back(&new.key).await;
                self.keep_the_other_id().await
            }
            Ok(_) if privilege == Privilege::New => self.log_in_without_a_past(*new).await,
            Ok(_) => {
                self.take_back(&new.key).await;
                Ok(Landing::Dropped)
            }
            Err(error) => {
                // If the trail may be there, the new record is where it leads.
                if !self.uncertain {
                    self.take_back(&new.key).await;
                }
                Err(error)
            }
        }
    }

    /// Leaves a trail in the place of the old record, however often that changes meanwhile.
    async fn replace_old(&mut self, new: &mut Stocked, privilege: Privilege) -> Result<Old> {
        let engine = self.visit.engine();
        let (grace_until, expires_at) = engine.config().lifetime.trail(self.now);
        let to = (privilege == Privilege::Same).then(|| new.key.clone());
        let payload = trail_payload(&Trail { nonce: self.nonce, grace_until, to });
        let trail = Record { payload, expires_at, sliding: false, owner: None };
        loop {
            let place =
                self.visit.with(|state| state.stored().map(|stored| (stored.key.clone(), stored.version)));
            let Some((key, version)) = place else { return Ok(Old::Ended) };
            match self.leave_trail(&key, version, &trail, privilege).await? {
                Old::Changed => self.bring_up_to_date(new).await?,
                done => return Ok(done),
            }
        }
    }

    async fn leave_trail(
        &mut self,
        key: &StoreKey,
        version: Version,
        trail: &Record,
        privilege: Privilege,
    ) -> Result<Old> {
        let there = match self.store().update(key, version, trail).await {
            Ok(Updated::Updated(_)) => return Ok(Old::Left),
            Ok(Updated::Conflict(stored)) => Some(stored),
            Ok(Updated::Gone | Updated::Revoked) => None,
            Err(error) => {
                self.wait_after(error).await?;
                self.load(key).await?
            }
        };
        let Some(stored) = there else { return Ok(Old::Ended) };
        match self.read(&stored)? {
            Payload::Trail(left) if left.nonce == self.nonce => return Ok(Old::Left),
            Payload::Trail(left) if left.to.is_some() && privilege == Privilege::Same => {
                return Ok(Old::Moved);
            }
            _ => {}
        }
        self.wait_after_conflict().await?;
        Ok(match self.meet(stored).await? {
            Met::Rebased => Old::Changed,
            Met::Ours | Met::Ended => Old::Ended,
        })
    }

    /// Writes what is now known of the session into the new record.
    async fn bring_up_to_date(&mut self, new: &mut Stocked) -> Result<()> {
        new.write = self.write(true)?;
        loop {
            match self.store().update(&new.key, new.version, &new.write.record).await {
                Ok(Updated::Updated(version)) => {
                    new.version = version;
                    return Ok(());
                }
                // Nobody else knows its id: it is this commit's own write, whose answer was lost.
                Ok(Updated::Conflict(stored)) => new.version = stored.version,
                Ok(Updated::Gone | Updated::Revoked) => {
                    let message = "the user's sessions were ended while this one was given a new id";
                    return Err(crate::Error::new(crate::ErrorKind::Gone, message));
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    async fn tell(&mut self, new: Stocked, privilege: Privilege) -> Result<Landing> {
        let session = Handle::new(new.write.header.handle);
        self.hand_out(new)?;
        match privilege {
            Privilege::Same => self.renewed(session, Renewal::SamePrivilege),
            Privilege::New => {
                self.renewed(session, Renewal::LogIn);
                self.trim_to_cap().await?;
            }
        }
        Ok(Landing::Kept)
    }

    /// The session that the user logged in from has ended: its values are not carried over, the log-in stands.
    async fn log_in_without_a_past(&mut self, mut new: Stocked) -> Result<Landing> {
        self.visit.with(|state| state.draft.rebase(Frames::default()))?;
        match self.bring_up_to_date(&mut new).await {
            Ok(()) => self.tell(new, Privilege::New).await,
            Err(error) if error.kind() == crate::ErrorKind::Gone => Ok(Landing::Dropped),
            Err(error) => Err(error),
        }
    }

    /// Another request has just renewed the id: this one's changes go there, and its client is told by the other.
    async fn keep_the_other_id(&mut self) -> Result<Landing> {
        self.visit.with(crate::session::State::keep_id);
        match self.look_again().await? {
            Met::Ended => Ok(Landing::Dropped),
            Met::Ours | Met::Rebased
                if self.visit.with(|state| state.observe(self.visit.engine().config()).changed) =>
            {
                self.update().await
            }
            Met::Ours | Met::Rebased => Ok(Landing::Kept),
        }
    }

    /// Removes the new record. Nobody knows its id; if the store does not answer, it expires by itself.
    async fn take_back(&mut self, key: &StoreKey) {
        if let Err(error) = self.store().delete(key).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an unused session could not be removed"
            );
        }
    }
}
