//! Gives a session a new id: a renewal, or a log-in.
//!
//! The new record is created first; the client does not know its id yet. Then the old one is replaced, under its version, by
//! a redirect. If another request wrote first, the new record is brought up to date or removed. Only when both
//! are done does the client get the id.

use cloakroom_store::{Record, StoreKey, UpdateOutcome, Version, VersionedRecord};

use super::conflict::{Reconciled, unreadable};
use super::create::{CreateResult, NewRecord};
use super::{Commit, LOST};
use crate::audit;
use crate::observe::{Event, RenewalReason};
use crate::plan::Privilege;
use crate::record::{Frames, Payload, Redirect, redirect_payload};
use crate::state::Verdict;
use crate::{Error, GoneReason, PublicId, Result};

/// The result of replacing the old record by a redirect.
enum ReplaceResult {
    /// It is a redirect now.
    Replaced,
    /// It holds changes of another request, which the new record lacks.
    Changed,
    /// Another request gave the session a new id.
    RenewedElsewhere,
    /// It is gone.
    Gone,
    /// It is unchanged, but the new record is gone: the user's sessions were ended, or it was mistaken for one that a
    /// dead process had left.
    NewRecordLost,
    /// It is a redirect, and meanwhile the session under the new id has ended too, or was replaced by a log-in.
    NewRecordGone,
}

impl Commit<'_> {
    pub(super) async fn renew(&mut self, privilege: Privilege) -> Result<Verdict> {
        let old = self.view.location.stored().map(|located| located.key.clone());
        let renewed = self.try_renew(privilege).await;
        if let (Err(_), Some(old)) = (&renewed, old) {
            self.engine.queue().release_renewal(&old);
        }
        renewed
    }

    async fn try_renew(&mut self, privilege: Privilege) -> Result<Verdict> {
        loop {
            let mut new = match self.create_record().await? {
                CreateResult::Stored(new) => new,
                CreateResult::Revoked if self.is_exempt(privilege).await? => continue,
                CreateResult::Revoked => return Ok(revoked(privilege)),
            };
            match self.replace_old(&mut new, privilege).await {
                Ok(ReplaceResult::Replaced) => return Ok(self.finish(new, privilege).await),
                Ok(ReplaceResult::NewRecordLost) => {
                    self.change_next_id().await?;
                    match privilege {
                        Privilege::Same if !self.is_exempt(privilege).await? => return Ok(LOST),
                        Privilege::Same => {}
                        // Tried again: the store refuses it if its user was revoked.
                        Privilege::New => self.wait_after_conflict().await?,
                    }
                }
                Ok(ReplaceResult::NewRecordGone) => {
                    self.view.close();
                    return Ok(Verdict::Saved);
                }
                Ok(ReplaceResult::RenewedElsewhere) => {
                    self.roll_back(&new.key).await;
                    return self.keep_the_other_id().await;
                }
                Ok(ReplaceResult::Changed | ReplaceResult::Gone) if privilege == Privilege::New => {
                    return self.log_in_to_new_record(new).await;
                }
                Ok(ReplaceResult::Changed | ReplaceResult::Gone) => {
                    self.roll_back(&new.key).await;
                    return Ok(LOST);
                }
                Err(error) => return self.abort(new, privilege, error).await,
            }
        }
    }

    /// Returns whether the session is there although its user was revoked: `revoke_others` exempts the caller's own. A
    /// log-in that began before is dead.
    async fn is_exempt(&mut self, privilege: Privilege) -> Result<bool> {
        if privilege == Privilege::New {
            return Ok(false);
        }
        self.wait_after_conflict().await?;
        let Some(located) = self.view.location.stored() else { return Ok(false) };
        let key = located.key.clone();
        Ok(matches!(self.load_and_reconcile(key).await?, Reconciled::Rebased))
    }

    /// Replaces the old record by a redirect, and tries again whenever that record has changed meanwhile.
    async fn replace_old(&mut self, new: &mut NewRecord, privilege: Privilege) -> Result<ReplaceResult> {
        let lifetime = &self.engine.config().lifetime;
        let (grace_until, expires_at) = match privilege {
            Privilege::Same => lifetime.redirect(&new.write.header, self.at),
            Privilege::New => lifetime.tombstone(self.at),
        };
        let to = (privilege == Privilege::Same).then(|| new.key.clone());
        let payload = redirect_payload(&Redirect { nonce: self.nonce, grace_until, to, ended: None });
        let redirect = Record::new(payload, expires_at).with_sliding(false);
        loop {
            let Some(located) = self.view.location.stored() else { return Ok(ReplaceResult::Gone) };
            let (key, version) = (located.key.clone(), located.version);
            match self.leave_redirect(&key, version, &redirect, privilege).await? {
                ReplaceResult::Changed if self.bring_up_to_date(new).await? => {}
                ReplaceResult::Changed => return Ok(ReplaceResult::NewRecordLost),
                ReplaceResult::Replaced if self.is_uncertain && !self.is_still_there(&new.key).await? => {
                    return Ok(ReplaceResult::NewRecordGone);
                }
                done => return Ok(done),
            }
        }
    }

    async fn leave_redirect(
        &mut self,
        key: &StoreKey,
        version: Version,
        redirect: &Record,
        privilege: Privilege,
    ) -> Result<ReplaceResult> {
        let there = loop {
            break match self.records.update(key, version, redirect).await {
                Ok(UpdateOutcome::Updated(_)) => return Ok(ReplaceResult::Replaced),
                Ok(UpdateOutcome::Conflict(stored)) => Some(stored),
                Ok(UpdateOutcome::NotFound | UpdateOutcome::Revoked) => None,
                Err(error) => {
                    self.wait_after(error).await?;
                    match self.records.load(key, None).await? {
                        // Nothing happened: neither this write nor another one is there.
                        Some(stored) if stored.version == version => continue,
                        there => there,
                    }
                }
            };
        };
        let Some(stored) = there else { return Ok(ReplaceResult::Gone) };
        match read(&stored)? {
            Payload::Redirect(left) if left.nonce == self.nonce => return Ok(ReplaceResult::Replaced),
            Payload::Redirect(left) if left.to.is_some() && privilege == Privilege::Same => {
                return Ok(ReplaceResult::RenewedElsewhere);
            }
            _ => {}
        }
        self.wait_after_conflict().await?;
        Ok(match self.reconcile(key.clone(), Some(stored)).await? {
            Reconciled::Rebased => ReplaceResult::Changed,
            Reconciled::Ours | Reconciled::Gone | Reconciled::ReplacedByLogin => ReplaceResult::Gone,
        })
    }

    /// Returns whether the session is still under its new id, after the redirect's answer was late.
    async fn is_still_there(&mut self, key: &StoreKey) -> Result<bool> {
        let Some(stored) = self.records.load(key, None).await? else { return Ok(false) };
        Ok(matches!(read(&stored)?, Payload::Session(..)))
    }

    async fn finish(&mut self, new: NewRecord, privilege: Privilege) -> Verdict {
        let session = PublicId::new(new.write.header.public_id());
        match privilege {
            Privilege::Same => audit::renewed(session),
            Privilege::New => audit::logged_in(&new.write.header, &new.write.record),
        }
        if privilege == Privilege::New
            && let Some(old) = self.view.stored()
        {
            self.engine.note_end(old.header.public_id(), GoneReason::ReplacedByLogIn);
        }
        self.adopt_new(new);
        let reason = match privilege {
            Privilege::Same => RenewalReason::SamePrivilege,
            Privilege::New => RenewalReason::LogIn,
        };
        self.engine.emit(&Event::Renewed { session, reason });
        if privilege == Privilege::New {
            self.enforce_session_limit().await;
        }
        Verdict::Saved
    }

    /// Continues a log-in whose old session has ended: the values of that are not carried over.
    async fn log_in_to_new_record(&mut self, mut new: NewRecord) -> Result<Verdict> {
        let kept = match self.rebase_values(Frames::default(), None) {
            Ok(()) => self.bring_up_to_date(&mut new).await,
            Err(error) => Err(error),
        };
        match kept {
            Ok(true) => Ok(self.finish(new, Privilege::New).await),
            Ok(false) => Ok(LOST),
            Err(error) => {
                self.roll_back(&new.key).await;
                self.change_next_id().await?;
                Err(error)
            }
        }
    }

    /// Writes the changes to the session that another request has just renewed; the client gets the id from the other.
    async fn keep_the_other_id(&mut self) -> Result<Verdict> {
        self.view.keep_id();
        let Some(located) = self.view.location.stored() else { return Ok(LOST) };
        let key = located.key.clone();
        match self.load_and_reconcile(key).await? {
            Reconciled::Gone | Reconciled::ReplacedByLogin => Ok(LOST),
            Reconciled::Ours | Reconciled::Rebased => {
                let config = self.engine.config();
                if self.view.observe(config, self.at).changed {
                    self.update().await
                } else {
                    Ok(Verdict::Saved)
                }
            }
        }
    }

    /// Gives up because the store does not answer in time. Removes the new record, unless the redirect to it may be
    /// there: then it is the session, and the next commit of this request finds that out.
    async fn abort(&mut self, new: NewRecord, privilege: Privilege, error: Error) -> Result<Verdict> {
        let old = self.view.location.stored().map(|located| located.key.clone());
        let there = match old {
            Some(key) if self.is_uncertain => {
                let store = self.records.store();
                match self.records.ask(store.load(&key, None)).await {
                    Ok(there) => there,
                    Err(_) => {
                        self.note_unsettled();
                        return Err(error);
                    }
                }
            }
            _ => None,
        };
        if let Some(Ok(Payload::Redirect(left))) = there.as_ref().map(read)
            && left.nonce == self.nonce
        {
            self.unsettled = None;
            return Ok(self.finish(new, privilege).await);
        }
        self.unsettled = None;
        self.roll_back(&new.key).await;
        self.change_next_id().await?;
        Err(error)
    }
}

/// Drops a log-in whose user was revoked after it began; the session that it was made from stays as it is.
const fn revoked(privilege: Privilege) -> Verdict {
    Verdict::Discarded { session_remains: matches!(privilege, Privilege::New) }
}

fn read(stored: &VersionedRecord) -> Result<Payload> {
    Payload::decode(&stored.record.payload).map_err(|_| unreadable())
}
