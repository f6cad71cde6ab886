//! Sessions that get a new id.

use cloakroom::store::{Record, StoreKey};

use super::batch::Batch;
use super::life::{End, Life, Place};
use super::operation::Sent;
use super::updating::Ready;
use super::{GRACE, LONGEST_TRAIL, Model, TOMBSTONE};
use crate::gate::Actor;
use crate::plan::{Fate, Found, Sid};

impl Model {
    /// A trail lasts for as long as its session may, so that a holder of the session finds it; a tombstone lasts an hour.
    fn leave(&mut self, actor: Actor, key: &StoreKey, sid: Sid, to: Option<StoreKey>) {
        let began = self.began(actor);
        let grace_until = began + GRACE;
        let end = self.sessions[sid].started_at + self.rules.absolute();
        let expires_at = match to {
            Some(_) => (began + LONGEST_TRAIL).min(end).max(grace_until),
            None => began + TOMBSTONE,
        };
        let place = Place::Trail { to, grace_until, expires_at };
        self.places.insert(key.clone(), place);
        self.superseded_at.insert(key.clone(), self.operations);
    }

    pub(super) fn renew(&mut self, actor: Actor, key: &StoreKey, sid: Sid) {
        let ready = self.request(actor).batch.as_ref().and_then(|batch| batch.pending.clone());
        let (Some((to, Ready { owner, expires_at })), Some((_, sent))) = (self.pending(actor), ready) else {
            let request = self.request(actor);
            if !request.is_cut_short {
                return self.violation(actor, "left a trail to nowhere");
            }
            request.unsure = true;
            let to = request.batch.as_ref().and_then(|batch| batch.pending.clone()).map(|(to, _)| to);
            self.sessions[sid].end = Some(End::Ended);
            return self.leave(actor, key, sid, to);
        };
        // What counts is what the new record holds.
        let sent = &sent;
        let record = Record::new("", expires_at).with_owner(owner);
        self.write_through(actor, &to, sid, sent, &record);
        let started_at = self.sessions[sid].started_at;
        let renewed_at = self.written_at(actor, expires_at, started_at);
        self.sessions[sid].renewed_at = renewed_at;
        self.leave(actor, key, sid, Some(to.clone()));
        self.places.insert(to.clone(), Place::Session(sid));
        if let Some(Batch { applied: Some((Found::Session { late, renewed_at: seen, .. }, _)), .. }) =
            &mut self.request(actor).batch
        {
            (*late, *seen) = (false, renewed_at);
        }
        self.made(actor, &to);
    }

    pub(super) fn supersede(&mut self, actor: Actor, key: &StoreKey, sid: Sid) {
        let ready = self.request(actor).batch.as_ref().and_then(|batch| batch.pending.clone());
        let Some((_, sent)) = ready else {
            return self.violation(actor, "left a tombstone, and there never was a new session");
        };
        let sent = &sent;
        if sent.fate != Fate::LogIn {
            self.violation(actor, "left a tombstone without a log-in");
        }
        let old = self.sessions[sid].clone();
        self.sessions[sid].end = Some(End::Superseded);
        self.leave(actor, key, sid, None);
        let Some((to, ready)) = self.pending(actor) else {
            return self.supersede_by_nothing(actor, sent, old);
        };
        let new = self.begin_session(actor, sent, old.values, old.number, ready.expires_at);
        self.hand_over(actor, &to, new, sent);
    }

    /// Between the creation of the new record and the tombstone in the old one, the user's other sessions were ended
    /// from this very session: the log-in had begun before that, so it is dead, and no request could know it in time.
    fn supersede_by_nothing(&mut self, actor: Actor, sent: &Sent, old: Life) {
        let revoked = self.is_revoked(sent.owner.as_ref()) || self.requests[&actor].is_cut_short;
        let Some((key, _)) = self.request(actor).batch.as_ref().and_then(|batch| batch.pending.clone())
        else {
            return self.violation(actor, "left a tombstone, and there never was a new session");
        };
        if !revoked {
            self.violation(actor, "left a tombstone, and the new session is gone");
        }
        let expires_at = self.began(actor) + self.rules.idle();
        let new = self.begin_session(actor, sent, old.values, old.number, expires_at);
        self.sessions[new].end = Some(End::Ended);
        self.apply_once(actor, self.seen(new, &key, false), sent);
        self.made(actor, &key);
    }
}
