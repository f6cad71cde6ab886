//! Gives a session a new id.
//!
//! The new record is stored first, and nobody knows its id. Then the old one is replaced, under its version, by a trail.
//! If somebody else was faster there, the new record is brought up to date or taken back. Only when both are done is
//! the client told.

use cloakroom_store::{Record, StoreKey, Stored, Updated, Version};

use super::create::{New, Stocked};
use super::meet::{Met, read};
use super::{Commit, Landing, Privilege};
use crate::observe::Renewal;
use crate::record::{Frames, Payload, Trail, trail_payload};
use crate::{Error, Handle, Result};

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
    /// It is as it was; the new record is gone, because the user's sessions were ended.
    Stranded,
    /// It is a trail, and meanwhile the session under the new id has ended too, or has become another at a log-in.
    Overtaken,
}

impl Commit<'_> {
    pub(super) async fn rotate(&mut self, privilege: Privilege) -> Result<Landing> {
        loop {
            let mut new = match self.stock().await? {
                New::Stored(new) => new,
                New::Revoked if self.is_spared(privilege).await? => continue,
                New::Revoked => return Ok(self.refuse(privilege)),
            };
            match self.replace_old(&mut new, privilege).await {
                Ok(Old::Left) => return self.tell(new, privilege).await,
                Ok(Old::Stranded) => {
                    self.visit.with(|state| state.change_next_id(self.visit.engine()))?;
                    if !self.is_spared(privilege).await? {
                        return Ok(self.refuse(privilege));
                    }
                }
                Ok(Old::Overtaken) => {
                    self.visit.with(crate::session::State::closed);
                    return Ok(Landing::Kept);
                }
                Ok(Old::Moved) => {
                    self.take_back(&new.key).await;
                    return self.keep_the_other_id().await;
                }
                Ok(Old::Changed | Old::Ended) if privilege == Privilege::New => {
                    return self.log_in_without_a_past(new).await;
                }
                Ok(Old::Changed | Old::Ended) => {
                    self.take_back(&new.key).await;
                    return Ok(Landing::Dropped);
                }
                Err(error) => return self.give_up(new, privilege, error).await,
            }
        }
    }

    /// A log-in that began before its user was revoked is dead. A session may have been spared.
    async fn is_spared(&mut self, privilege: Privilege) -> Result<bool> {
        Ok(privilege == Privilege::Same && matches!(self.look_whether_spared().await?, Met::Rebased))
    }

    /// The user was revoked after this log-in began: it is dropped, and the session that it was made from stays as it is.
    fn refuse(&mut self, privilege: Privilege) -> Landing {
        self.session_stays = privilege == Privilege::New;
        Landing::Dropped
    }

    /// Leaves a trail in the place of the old record, however often that changes meanwhile.
    async fn replace_old(&mut self, new: &mut Stocked, privilege: Privilege) -> Result<Old> {
        let engine = self.visit.engine();
        let (grace_until, expires_at) = engine.config().lifetime.trail(self.now);
        let to = (privilege == Privilege::Same).then(|| new.key.clone());
        let payload = trail_payload(&Trail { nonce: self.nonce, grace_until, to });
        let trail = Record { payload, expires_at, sliding: false, owner: None };
        loop {
            let Some((key, version)) = self.visit.with(|state| state.placed()) else { return Ok(Old::Ended) };
            match self.leave_trail(&key, version, &trail, privilege).await? {
                Old::Changed if self.bring_up_to_date(new).await? => {}
                Old::Changed => return Ok(Old::Stranded),
                Old::Left if self.uncertain && !self.is_still_there(&new.key).await? => {
                    return Ok(Old::Overtaken);
                }
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
        let there = loop {
            break match self.store().update(key, version, trail).await {
                Ok(Updated::Updated(_)) => return Ok(Old::Left),
                Ok(Updated::Conflict(stored)) => Some(stored),
                Ok(Updated::Gone | Updated::Revoked) => None,
                Err(error) => {
                    self.wait_after(error).await?;
                    match self.load(key).await? {
                        // Nothing happened: it is not there, and nobody else was.
                        Some(stored) if stored.version == version => continue,
                        there => there,
                    }
                }
            };
        };
        let Some(stored) = there else { return Ok(Old::Ended) };
        match read(&stored)? {
            Payload::Trail(left) if left.nonce == self.nonce => return Ok(Old::Left),
            Payload::Trail(left) if left.to.is_some() && privilege == Privilege::Same => {
                return Ok(Old::Moved);
            }
            _ => {}
        }
        self.wait_after_conflict().await?;
        Ok(match self.meet(stored).await? {
            Met::Rebased => Old::Changed,
            Met::Ours | Met::Ended | Met::Replaced => Old::Ended,
        })
    }

    /// Whether the session is still under its new id, after the trail's answer was late.
    async fn is_still_there(&mut self, key: &StoreKey) -> Result<bool> {
        let Some(stored) = self.load(key).await? else { return Ok(false) };
        Ok(matches!(read(&stored)?, Payload::Session(..)))
    }

    /// Writes what is now known of the session into the new record; `false` if that was ended with all of the user's.
    pub(super) async fn bring_up_to_date(&mut self, new: &mut Stocked) -> Result<bool> {
        new.write = self.write(true)?;
        loop {
            match self.store().update(&new.key, new.version, &new.write.record).await {
                Ok(Updated::Updated(version)) => {
                    new.version = version;
                    return Ok(true);
                }
                // Nobody else knows its id: it is this commit's own write, whose answer was lost.
                Ok(Updated::Conflict(stored)) => new.version = stored.version,
                Ok(Updated::Gone) => return Ok(false),
                Ok(Updated::Revoked) => {
                    self.take_back(&new.key).await;
                    return Ok(false);
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
                self.trim_to_cap().await;
            }
        }
        Ok(Landing::Kept)
    }

    /// The session that the user logged in from has ended: its values are not carried over, the log-in stands.
    async fn log_in_without_a_past(&mut self, mut new: Stocked) -> Result<Landing> {
        let rebased = self.visit.with(|state| state.rebase(Frames::default()));
        let kept = match rebased {
            Ok(()) => self.bring_up_to_date(&mut new).await,
            Err(error) => Err(error),
        };
        match kept {
            Ok(true) => self.tell(new, Privilege::New).await,
            Ok(false) => Ok(Landing::Dropped),
            Err(error) => {
                self.take_back(&new.key).await;
                self.visit.with(|state| state.change_next_id(self.visit.engine()))?;
                Err(error)
            }
        }
    }

    /// Another request has just renewed the id: this one's changes go there, and its client is told by the other.
    async fn keep_the_other_id(&mut self) -> Result<Landing> {
        self.visit.with(crate::session::State::keep_id);
        match self.look_again().await? {
            Met::Ended | Met::Replaced => Ok(Landing::Dropped),
            Met::Ours | Met::Rebased
                if self.visit.with(|state| state.observe(self.visit.engine().config()).changed) =>
            {
                self.update().await
            }
            Met::Ours | Met::Rebased => Ok(Landing::Kept),
        }
    }

    /// The store does not answer in time. The new record goes, unless the trail to it may have been left: then it is
    /// the session, and the next commit of this request finds that out.
    async fn give_up(&mut self, new: Stocked, privilege: Privilege, error: Error) -> Result<Landing> {
        let place = self.visit.with(|state| state.placed());
        let there: Option<Stored> = match place {
            Some((key, _)) if self.uncertain => match self.store().load(&key, None).await {
                Ok(there) => there,
                Err(_) => {
                    self.visit.with(|state| self.send(state));
                    self.answered();
                    return Err(error);
                }
            },
            _ => None,
        };
        if let Some(Ok(Payload::Trail(left))) = there.map(|stored| read(&stored))
            && left.nonce == self.nonce
        {
            return self.tell(new, privilege).await;
        }
        self.take_back(&new.key).await;
        self.visit.with(|state| state.change_next_id(self.visit.engine()))?;
        Err(error)
    }

    /// Removes a new record. Nobody knows its id; if the store does not answer, it expires by itself.
    pub(super) async fn take_back(&mut self, key: &StoreKey) {
        let uncertain = self.uncertain;
        while let Err(error) = self.store().delete(key).await {
            if let Err(error) = self.wait_after(error).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an unused session could not be removed"
                );
                break;
            }
        }
        self.uncertain = uncertain;
    }
}
