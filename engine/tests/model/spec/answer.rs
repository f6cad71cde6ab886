//! What a commit answers, and what its request knows then.

use cloakroom::{ErrorKind, Timestamp};

use super::Model;
use super::batch::Batch;
use super::life::{End, Place};
use super::request::{Cookie, request_closed};
use crate::gate::Actor;
use crate::plan::{Fate, Found, Want};
use crate::values::Values;

/// Which commit of a request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A handler asked for it, and wants to know whether the session is alive.
    Save,
    /// The response follows.
    Response,
}

/// What the engine said during a commit, besides its answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    /// It dropped changes.
    pub(crate) dropped: bool,
    /// It left a session alone that was to end.
    pub(crate) end_ignored: bool,
}

impl Model {
    /// A commit has ended.
    pub(crate) fn finish(
        &mut self,
        actor: Actor,
        result: Result<(), ErrorKind>,
        heard: Heard,
        occasion: Occasion,
    ) {
        let now = self.now(actor);
        self.see_what_is_due(actor, now);
        let batch = self.request(actor).batch.take();
        let batch = batch.unwrap_or_else(|| Batch::new(now, &self.requests[&actor].mind));
        self.request(actor).answered = result.is_ok();
        let is_save = occasion == Occasion::Save;
        if is_save && result.is_ok() && heard.dropped {
            self.violation(actor, "a save was acknowledged, and its changes dropped");
        }
        if result != Err(ErrorKind::Unavailable) {
            self.check_ignored_end(actor, &batch, heard.end_ignored);
        }
        match result {
            Ok(()) | Err(ErrorKind::Gone) if heard.dropped => self.finish_dropped(actor, &batch),
            Err(ErrorKind::Gone) if is_save => self.finish_gone(actor, &batch),
            Ok(()) => self.finish_kept(actor, batch, occasion),
            Err(kind) => self.finish_failed(actor, &batch, kind),
        }
        self.request(actor).mind.end_was_ignored |= heard.end_ignored;
    }

    /// A log-out that did nothing, because a log-in had replaced the session, says so; no other does.
    fn check_ignored_end(&mut self, actor: Actor, batch: &Batch, ignored: bool) {
        let is_only_end = batch.planned == Fate::End && batch.sent.owner.is_none();
        let was_replaced = match batch.seen {
            Found::Absent => false,
            Found::Closed => true,
            Found::Session { sid, .. } => self.sessions[sid].end == Some(End::Superseded),
        };
        if ignored && !(is_only_end && was_replaced) {
            self.violation(actor, "said that it ignored an end that was never asked for, or was carried out");
        }
        let unsure = batch.faults > 0 || self.requests[&actor].unsure;
        if !ignored && is_only_end && was_replaced && !batch.ended && !unsure {
            self.violation(actor, "ignored an end, and did not say so");
        }
    }

    fn finish_dropped(&mut self, actor: Actor, batch: &Batch) {
        let lives = match batch.seen {
            Found::Session { sid, .. } => self.is_alive(sid),
            Found::Absent | Found::Closed => false,
        };
        let logs_in = batch.planned == Fate::LogIn;
        let revoked = self.is_revoked(batch.sent.owner.as_ref()) || self.requests[&actor].is_cut_short;
        let unsure = self.requests[&actor].unsure;
        // If an answer was lost and the session is gone, it cannot be known any more whether the write came before its end,
        // and it does not matter. What went along with a log-in is not gone.
        if batch.applied.is_some() && (batch.faults == 0 || self.is_superseded(batch)) {
            self.violation(actor, "said that changes were dropped which are in the store");
        }
        let absolute = self.rules.absolute();
        let now = self.now(actor);
        let too_late = batch.sent.logged_in_at.is_some_and(|at| now >= at + absolute);
        let by_login = logs_in || batch.planned == Fate::End && batch.sent.owner.is_some();
        if by_login && !revoked && !unsure && !too_late {
            self.violation(actor, "dropped a log-in although the user was not revoked");
        }
        let was_stored = matches!(batch.seen, Found::Session { .. });
        if logs_in && was_stored && (lives || batch.pending.is_none()) {
            // The log-in is dropped, and the session that it was made from stays as it is, for all that this one knows.
            return self.drop_log_in(actor, batch);
        }
        self.request(actor).unsure |= logs_in && was_stored;
        if lives && batch.planned != Fate::End {
            self.violation(actor, "dropped changes although the session lives");
        }
        self.lose(actor, batch);
    }

    /// What was decided since the log-in that is dropped stands.
    fn drop_log_in(&mut self, actor: Actor, batch: &Batch) {
        let mind = &mut self.request(actor).mind;
        let decided_since = mind.has_decided_since(&batch.sent);
        match mind.fate {
            Fate::End if decided_since => {}
            Fate::LogIn if decided_since => mind.forget(&batch.sent),
            _ => mind.discard(),
        }
    }

    /// Another request ended the session. Only what was decided since stands.
    fn lose(&mut self, actor: Actor, batch: &Batch) {
        // The log-out was carried out, or found its session ended; what was to come after it is lost.
        let logs_out = batch.planned == Fate::End && !self.is_superseded(batch);
        let logs_out = logs_out && matches!(batch.seen, Found::Session { sid, .. } if !self.is_alive(sid));
        let request = self.request(actor);
        if batch.ended || logs_out {
            request.told = Cookie::Removed;
            request.ended = true;
        }
        let decided_since = request.mind.has_decided_since(&batch.sent);
        if request.mind.fate == Fate::End && batch.planned != Fate::End {
            return;
        }
        if decided_since && request.mind.logged_in_at.is_some() {
            request.mind.forget(&batch.sent);
            return request.mind.log_in_without_a_past();
        }
        request_closed(request);
    }

    /// A save has said that the session is not alive, and that it had nothing to drop.
    fn finish_gone(&mut self, actor: Actor, batch: &Batch) {
        let is_gone = match batch.seen {
            Found::Absent => false,
            Found::Closed => true,
            Found::Session { sid, .. } => !self.is_alive(sid) || self.is_over(actor, sid),
        };
        if !is_gone {
            self.violation(actor, "a save said that the session has ended, which is alive");
        }
        if !batch.sent.changes.is_empty() || batch.sent.owner_is_new() {
            self.violation(actor, "changes were dropped, and no event said so");
        }
        if batch.ended && batch.faults == 0 {
            self.violation(actor, "a save ended the session, and said that it did not");
        }
        self.lose(actor, batch);
    }

    fn finish_failed(&mut self, actor: Actor, batch: &Batch, kind: ErrorKind) {
        if kind != ErrorKind::Unavailable {
            self.violation(actor, format!("failed with {kind:?}"));
        } else if batch.faults == 0 && !self.requests[&actor].failed {
            // A store that is lost is not asked each time.
            self.violation(actor, "failed although the store did not");
        }
        let request = self.request(actor);
        // What was taken back is certainly not there.
        request.unsure |= !batch.taken_back;
        // A session that could not be told of is made once more, under another id.
        let is_new = batch.made.as_ref().is_some_and(|made| batch.created.contains(made));
        if let Some((_, sent)) = batch.applied.as_ref().filter(|_| !is_new) {
            request.mind.forget(sent);
        }
    }

    /// Returns whether a log-in has made another session of the one that the commit saw.
    fn is_superseded(&self, batch: &Batch) -> bool {
        match batch.seen {
            Found::Session { sid, .. } => self.sessions[sid].end == Some(End::Superseded),
            Found::Absent | Found::Closed => false,
        }
    }

    fn finish_kept(&mut self, actor: Actor, mut batch: Batch, occasion: Occasion) {
        let want = batch.want;
        if want == Want::LogIn && batch.applied.is_none() {
            self.log_in_without_a_past(actor, &mut batch);
        }
        let missed = !batch.sent.changes.is_empty() || batch.sent.must_exist;
        let is_save = occasion == Occasion::Save;
        let is_alive = match (&batch.looked, &batch.seen) {
            (Some(Found::Session { .. }), _) | (_, Found::Absent) => true,
            (None, Found::Session { .. }) | (_, Found::Closed) | (Some(_), _) => !is_save,
        };
        let done = match want {
            Want::Nothing | Want::Touch => batch.applied.is_none() && !batch.ended && is_alive,
            Want::Drop => false,
            Want::IgnoreEnd => !is_save,
            // Losing only an expiry of flash values, or a renewed id, of a session that has ended is not reported.
            Want::Update | Want::Renew => batch.applied.is_some() || !missed,
            Want::Create | Want::LogIn => batch.applied.is_some(),
            Want::End => self.has_ended(&batch),
            Want::EndAndCreate => self.has_ended(&batch) && batch.applied.is_some(),
        };
        if !done && !self.requests[&actor].unsure {
            self.violation(actor, format!("acknowledged {want:?}, which is not so in the store"));
        }
        self.check_other_ids(actor, &batch);
        self.take_note(actor, want, batch);
    }

    /// A log-out or log-in leaves no other session under an id that the request brought.
    fn check_other_ids(&mut self, actor: Actor, batch: &Batch) {
        if !matches!(batch.want, Want::End | Want::EndAndCreate | Want::LogIn | Want::Create | Want::Nothing)
            || !matches!(batch.planned, Fate::End | Fate::LogIn)
            || self.requests[&actor].unsure
        {
            return;
        }
        let own = match &batch.applied {
            Some((Found::Session { sid, .. }, _)) => Some(*sid),
            _ => None,
        };
        let now = self.now(actor);
        for key in self.requests[&actor].other_ids.clone() {
            if let Found::Session { sid, .. } = self.look_on(&key, Timestamp::EPOCH, now, usize::MAX)
                && Some(sid) != own
                && self.is_alive(sid)
            {
                self.violation(actor, "left the session of another id of the same request alive");
            }
        }
    }

    /// The session that the user logged in from has ended meanwhile: only what this request wrote is in the new one.
    fn log_in_without_a_past(&mut self, actor: Actor, batch: &mut Batch) {
        let Some((key, _)) = self.pending(actor) else { return };
        let Some((_, sent)) = batch.pending.clone() else { return };
        let mut number = 0;
        if let Found::Session { sid, number: seen, .. } = batch.seen {
            number = seen;
            if self.is_alive(sid) {
                self.violation(actor, "left the old session alive beside the log-in");
            }
        }
        let Some(Place::Pending { expires_at, .. }) = self.places.get(&key).cloned() else { return };
        self.request(actor).batch = Some(batch.clone());
        let sid = self.begin_session(actor, &sent, Values::new(), number, expires_at);
        self.hand_over(actor, &key, sid, &sent);
        *batch = self.request(actor).batch.take().expect("it was just put there");
    }

    /// What the request knows after a commit that went well.
    fn take_note(&mut self, actor: Actor, want: Want, batch: Batch) {
        let end = match batch.seen {
            Found::Session { sid, .. } if !self.is_alive(sid) => self.sessions[sid].end.or(Some(End::Ended)),
            _ => None,
        };
        let request = self.request(actor);
        // The write went in and the session ended, and the answer that came between them was lost.
        request.unsure |= batch.uncertain && end.is_some();
        if matches!(want, Want::End | Want::EndAndCreate) {
            if end == Some(End::Superseded) {
                if !self.leave_to_the_others(actor, &batch) {
                    return;
                }
            } else {
                // A log-out is carried out, also where another request was faster: the client keeps no cookie of a session that has ended.
                request.mind.ended(&batch.sent);
                request.told = Cookie::Removed;
                // If an answer was lost, it cannot be known whether another request was faster. If one was, this one asked for
                // the same, and cannot know of a log-in that began meanwhile: that leaves no mark under an id that is gone.
                request.ended |= batch.ended || batch.uncertain || end.is_some();
            }
        }
        if want == Want::IgnoreEnd {
            return self.lose(actor, &batch);
        }
        self.take_in(actor, want, &batch, end.is_some());
        match batch.made {
            // An answer was lost, and the id is dead by now: if the request looked again, its client must not hear of it.
            Some(made) if batch.faults > 0 && !matches!(self.places.get(&made), Some(Place::Session(_))) => {
                self.request(actor).told = Cookie::Perhaps(made);
            }
            Some(made) => self.request(actor).told = Cookie::Set(made),
            None => {}
        }
    }

    /// A log-in has replaced the session that this one was to end: only a log-in that came after it is carried out.
    /// Returns whether there is one.
    fn leave_to_the_others(&mut self, actor: Actor, batch: &Batch) -> bool {
        if batch.sent.owner.is_none() {
            self.lose(actor, batch);
            return false;
        }
        self.request(actor).mind.log_in_without_a_past();
        true
    }

    /// The request takes in what the store holds now.
    fn take_in(&mut self, actor: Actor, want: Want, batch: &Batch, ended: bool) {
        match (want, &batch.applied) {
            (_, Some((place, sent))) => self.request(actor).mind.landed(place.clone(), sent),
            (Want::Update | Want::Renew, None) => self.settle_unwritten(actor, batch, ended),
            (Want::Nothing | Want::Touch, None) => self.settle_nothing(actor, batch),
            _ => {}
        }
    }

    /// There was nothing to write.
    fn settle_nothing(&mut self, actor: Actor, batch: &Batch) {
        let ends_nothing = batch.planned == Fate::End && matches!(batch.seen, Found::Absent);
        let request = self.request(actor);
        if ends_nothing {
            // The client keeps no cookie that a log-out could not find a session for.
            request.told = Cookie::Removed;
            return request.mind.ended(&batch.sent);
        }
        match batch.looked.clone() {
            Some(found @ Found::Session { .. }) => request.mind.landed(found, &batch.sent),
            Some(Found::Absent | Found::Closed) => self.lose(actor, batch),
            None => {}
        }
    }

    /// Nothing had to be written after all: the session has ended, or another request has just renewed its id.
    fn settle_unwritten(&mut self, actor: Actor, batch: &Batch, ended: bool) {
        match batch.seen.clone() {
            Found::Session { key, .. } if !ended => {
                // A request that has seen the session may follow it for as long as the trail is there.
                match self.look(&key, Timestamp::EPOCH, self.now(actor)) {
                    found @ Found::Session { .. } => self.request(actor).mind.renewed_by_another(found),
                    Found::Absent | Found::Closed => self.lose(actor, batch),
                }
            }
            _ => self.lose(actor, batch),
        }
    }
}
