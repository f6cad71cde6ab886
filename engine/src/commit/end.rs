//! Ends a session, wherever its id has led meanwhile.

use cloakroom_store::{Owner, StoreKey, UpdateOutcome, Version};

use super::conflict::unreadable;
use super::{Commit, LOST};
use crate::audit;
use crate::observe::{EndReason, Event};
use crate::records::{Follow, Records, Resolved};
use crate::state::{Ending, Intent, Verdict};
use crate::{Error, ErrorKind, GoneReason, PublicId, Result};

/// The result of ending a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Here,
    /// It was gone.
    Missing,
    /// A log-in has replaced it by another session, which the old id must not end.
    ReplacedByLogin,
}

impl Commit<'_> {
    /// Ends the session. A renewal under way finds its old record gone and removes its new one; a finished renewal has
    /// left a redirect, which is followed.
    pub(super) async fn end(&mut self) -> Result<Verdict> {
        let Some(located) = self.view.location.stored() else { return Ok(Verdict::Saved) };
        let (key, version) = (located.key.clone(), located.version);
        let (session, owner) = (PublicId::new(located.header.public_id()), located.owner.clone());
        let (mut is_uncertain, reason) = (false, self.end_reason());
        let ended = end_from(&mut self.records, key, Some(version), reason, &mut is_uncertain).await;
        if is_uncertain {
            self.view.note_unsettled_end();
        }
        match ended? {
            Ended::Here => {}
            Ended::Missing => {
                let was_ours = self.view.end_is_unsettled();
                self.view.mark_ended();
                if was_ours {
                    self.report_end(session, owner.as_ref());
                }
                return Ok(Verdict::Saved);
            }
            Ended::ReplacedByLogin => {
                if self.view.intent.login().is_none() {
                    return Ok(self.ignore_end());
                }
                return self.leave_to_the_others();
            }
        }
        self.view.mark_ended();
        self.report_end(session, owner.as_ref());
        Ok(Verdict::Saved)
    }

    fn report_end(&self, session: PublicId, owner: Option<&Owner>) {
        let reason = self.end_reason();
        self.engine.emit(&Event::Ended { reason, count: 1 });
        self.engine.note_end(session.bytes(), GoneReason::Ended(reason));
        audit::ended(session, owner, reason);
    }

    fn end_reason(&self) -> EndReason {
        match &self.view.intent {
            Intent::End(Ending { reason, .. }) => *reason,
            Intent::Keep | Intent::Renew | Intent::LogIn(_) => EndReason::Destroyed,
        }
    }

    /// Leaves a session alone that a log-in made of the one that was to end, and reports that by an event.
    pub(super) fn ignore_end(&mut self) -> Verdict {
        self.view.end_was_ignored = true;
        self.engine.emit(&Event::EndIgnored { reason: self.end_reason() });
        LOST
    }

    /// Handles a session that a log-in has replaced. The client has, or is about to get, the new cookie, so the new
    /// session is left alone. Only a log-in in this very request is carried out.
    fn leave_to_the_others(&mut self) -> Result<Verdict> {
        if self.view.intent.login().is_none() {
            return Ok(LOST);
        }
        self.view.log_in_instead_of_ending();
        self.log_in_without_a_past()?;
        Ok(Verdict::Saved)
    }

    /// Ends the sessions of all other ids that the client sent under the same cookie name.
    pub(super) async fn end_other_ids(&mut self) -> Result<()> {
        let own = self.view.location.stored().map(|located| located.header.public_id());
        for id in self.view.other_ids() {
            // An older id of the session itself: what happens to that is for the step that follows.
            let found = self.records.resolve(id.key(), Follow::HELD).await?;
            let Resolved::Live(live) = found else { continue };
            if own == Some(live.header.public_id()) {
                continue;
            }
            let (key, version) = (live.key, Some(live.version));
            let reason = self.end_reason();
            if end_from(&mut self.records, key, version, reason, &mut false).await? == Ended::Here {
                self.report_end(PublicId::new(live.header.public_id()), live.owner.as_ref());
            }
        }
        Ok(())
    }
}

/// Ends the session that `key` leads to.
pub(crate) async fn end_following_redirects(records: &mut Records<'_>, key: StoreKey) -> Result<Ended> {
    end_from(records, key, None, EndReason::Revoked, &mut false).await
}

/// Ends the session under `key`, seen at `version`, or the one that it leads to. A record that has expired takes the place of exactly the version
/// that was seen, so that the redirect of a renewal or a log-in that came in between stays, even if the answer is lost.
async fn end_from(
    records: &mut Records<'_>,
    mut key: StoreKey,
    mut version: Option<Version>,
    reason: EndReason,
    is_uncertain: &mut bool,
) -> Result<Ended> {
    let ending = records.ending(reason);
    loop {
        let there = match version {
            None => records.load(&key, None).await?,
            Some(version) => match records.update(&key, version, &ending).await {
                Ok(UpdateOutcome::Updated(_)) => return Ok(Ended::Here),
                Ok(UpdateOutcome::NotFound | UpdateOutcome::Revoked) => return Ok(Ended::Missing),
                Ok(UpdateOutcome::Conflict(stored)) if records.wait_after_conflict().await => Some(stored),
                Ok(UpdateOutcome::Conflict(_)) => {
                    let message = "too many requests changed the session while it was to end";
                    return Err(Error::new(ErrorKind::Contended, message));
                }
                Err(error) => {
                    *is_uncertain |= error.is_uncertain();
                    records.wait_after(error).await?;
                    records.load(&key, None).await?
                }
            },
        };
        match records.resolve_from(key, there, Follow::HELD).await? {
            Resolved::Live(live) => {
                if live.redirected {
                    // The result of the write to the old record is known now.
                    *is_uncertain = false;
                }
                (key, version) = (live.key, Some(live.version));
            }
            Resolved::Missing => return Ok(Ended::Missing),
            Resolved::ReplacedByLogin | Resolved::GraceOver => return Ok(Ended::ReplacedByLogin),
            Resolved::Unreadable => return Err(unreadable()),
        }
    }
}
