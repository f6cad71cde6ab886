//! What a commit answers, and what its request knows then.

use cloakroom::{Clock, ErrorKind, Timestamp};

use super::Model;
use super::batch::Batch;
use super::life::{End, Place};
use super::request::{Cookie, request_closed};
use crate::gate::Actor;
use crate::plan::{Fate, Found, Want};
use crate::values::Values;

impl Model {
    /// A commit has ended; `dropped` says whether the engine said that it dropped something.
    pub(crate) fn finish(&mut self, actor: Actor, result: Result<(), ErrorKind>, dropped: bool) {
        let batch = self.request(actor).batch.take();
        let batch = batch.unwrap_or_else(|| Batch::new(self.clock.now(), &self.requests[&actor].mind));
        self.request(actor).answered = result.is_ok();
        match result {
            Ok(()) | Err(ErrorKind::Gone) if dropped => self.finish_dropped(actor, &batch),
            Ok(()) => self.finish_kept(actor, batch),
            Err(kind) => self.finish_failed(actor, &batch, kind),
        }
    }

    fn finish_dropped(&mut self, actor: Actor, batch: &Batch) {
        let request = &self.requests[&actor];
        let lives = match request.mind.place {
            Found::Session { sid, .. } => self.is_alive(sid),
            Found::Absent | Found::Closed => false,
        };
        let logs_in = request.mind.fate == Fate::LogIn;
        let revoked = self.is_revoked(request.mind.owner.as_ref());
        let (unsure, ends) = (request.unsure, request.mind.fate == Fate::End);
        // If an answer was lost and the session is gone, nobody can tell any more whether the write came before its end,
        // and it does not matter. What went along with a log-in is not gone.
        if batch.applied.is_some() && (batch.faults == 0 || self.is_superseded(actor)) {
            self.violation(actor, "said that changes were dropped which are in the store");
        }
        let logs_in = logs_in && batch.planned == Fate::LogIn;
        let absolute = self.rules.absolute();
        let logged_in_at = self.requests[&actor].mind.logged_in_at;
        let too_late = logged_in_at.is_some_and(|at| self.clock.now() >= at + absolute);
        if logs_in && !revoked && !unsure && !too_late {
            self.violation(actor, "dropped a log-in although the user was not revoked");
        }
        if logs_in && (lives || batch.pending.is_none()) {
            // The log-in is dropped, and the session that it was made from stays as it is, for all that this one knows.
            return self.request(actor).mind.discard();
        }
        self.request(actor).unsure |= logs_in;
        if lives && !ends {
            self.violation(actor, "dropped changes although the session lives");
        }
        let request = self.request(actor);
        if batch.ended {
            request.told = Cookie::Removed;
        }
        match request.mind.fate {
            Fate::End if batch.planned != Fate::End => {}
            Fate::LogIn if batch.planned != Fate::LogIn => request.mind.log_in_without_a_past(),
            _ => request_closed(request),
        }
    }

    fn finish_failed(&mut self, actor: Actor, batch: &Batch, kind: ErrorKind) {
        let overtaken = self.requests[&actor].mind.fate != batch.planned;
        if overtaken && matches!(kind, ErrorKind::Gone | ErrorKind::Contended) {
            // The handler has decided otherwise while it saved; what it saved goes with what it decided.
            if batch.applied.is_some() {
                self.violation(actor, "said that it had not saved what is in the store");
            }
            return;
        }
        if kind != ErrorKind::Unavailable {
            self.violation(actor, format!("failed with {kind:?}"));
        } else if batch.faults == 0 {
            self.violation(actor, "failed although the store did not");
        }
        let request = self.request(actor);
        // What was taken back is certainly not there.
        request.unsure |= !batch.taken_back;
        // A session that could not be told of is made once more, under another id.
        let is_new = batch.made.as_ref().is_some_and(|made| batch.created.contains_key(made));
        if let Some((_, sent)) = batch.applied.as_ref().filter(|_| !is_new) {
            request.mind.forget(sent);
        }
    }

    /// Whether a log-in has made another session of this request's.
    fn is_superseded(&self, actor: Actor) -> bool {
        match self.requests[&actor].mind.place {
            Found::Session { sid, .. } => self.sessions[sid].end == Some(End::Superseded),
            Found::Absent | Found::Closed => false,
        }
    }

    fn finish_kept(&mut self, actor: Actor, mut batch: Batch) {
        let want = batch.want;
        if want == Want::LogIn && batch.applied.is_none() {
            self.log_in_without_a_past(actor, &mut batch);
        }
        let missed = self.requests[&actor].mind.would_be_missed();
        let done = match want {
            Want::Nothing => batch.applied.is_none() && !batch.ended,
            Want::Drop => false,
            // Flash values only age, or only the id is renewed: if the session has ended, nobody misses it.
            Want::Update | Want::Renew => batch.applied.is_some() || !missed,
            Want::Create | Want::LogIn => batch.applied.is_some(),
            Want::End => self.has_ended(actor),
            Want::EndAndCreate => self.has_ended(actor) && batch.applied.is_some(),
        };
        if !done && !self.requests[&actor].unsure {
            self.violation(actor, format!("acknowledged {want:?}, which is not in the store"));
        }
        self.take_note(actor, want, batch);
    }

    /// The session that the user logged in from has ended meanwhile: only what this request wrote is in the new one.
    fn log_in_without_a_past(&mut self, actor: Actor, batch: &mut Batch) {
        let Some((key, _)) = self.pending(actor) else { return };
        let Some((_, sent)) = batch.pending.clone() else { return };
        if let Found::Session { sid, .. } = self.requests[&actor].mind.place
            && self.is_alive(sid)
        {
            self.violation(actor, "left the old session alive beside the log-in");
        }
        self.request(actor).batch = Some(batch.clone());
        let number = match &self.requests[&actor].mind.place {
            Found::Session { number, .. } => *number,
            _ => 0,
        };
        let sid = self.begin_session(actor, &sent, Values::new(), number);
        self.hand_over(actor, &key, sid, &sent);
        *batch = self.request(actor).batch.take().expect("it was just put there");
    }

    /// What the request knows after a commit that went well.
    fn take_note(&mut self, actor: Actor, want: Want, batch: Batch) {
        let end = match self.requests[&actor].mind.place {
            Found::Session { sid, .. } if !self.is_alive(sid) => self.sessions[sid].end.or(Some(End::Ended)),
            _ => None,
        };
        let request = self.request(actor);
        // The write went in and the session ended, and the answer that came between them was lost.
        request.unsure |= batch.uncertain && end.is_some();
        if matches!(want, Want::End | Want::EndAndCreate) {
            request.mind.ended();
            let by_another = !batch.ended && !batch.uncertain;
            if by_another || end == Some(End::Superseded) {
                request.mind.log_in_without_a_past();
                if request.mind.fate != Fate::LogIn {
                    request_closed(request);
                }
            } else {
                request.told = Cookie::Removed;
                // If an answer was lost, nobody can tell whether another request was faster.
                request.ended = true;
            }
        }
        match batch.applied {
            Some((place, mut sent)) => {
                if want == Want::EndAndCreate {
                    // The end is done; what is in the store is the session after it.
                    sent.fate = request.mind.fate;
                }
                request.mind.landed(place, &sent);
            }
            None if matches!(want, Want::Update | Want::Renew) => self.settle_unwritten(actor, end.is_some()),
            None => {}
        }
        match batch.made {
            // An answer was lost, and the id is dead by now: if the request looked again, its client must not hear of it.
            Some(made) if batch.faults > 0 && !matches!(self.places.get(&made), Some(Place::Session(_))) => {
                self.request(actor).told = Cookie::Perhaps(made);
            }
            Some(made) => self.request(actor).told = Cookie::Set(made),
            None => {}
        }
    }

    /// Nothing had to be written after all: the session has ended, or another request has just renewed its id.
    fn settle_unwritten(&mut self, actor: Actor, ended: bool) {
        let request = &self.requests[&actor];
        match request.mind.place.clone() {
            Found::Session { key, .. } if !ended => {
                // Whoever has seen the session may follow it for as long as the trail is there.
                match self.look(&key, Timestamp::EPOCH, self.clock.now()) {
                    found @ Found::Session { .. } => self.request(actor).mind.renewed_by_another(found),
                    Found::Absent | Found::Closed => request_closed(self.request(actor)),
                }
            }
            _ => {
                request_closed(self.request(actor));
            }
        }
    }
}
