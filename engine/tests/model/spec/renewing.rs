//! Sessions that get a new id.

use cloakroom::Timestamp;
use cloakroom::store::{Record, StoreKey};

use super::batch::Batch;
use super::life::{End, Life, Place};
use super::operation::Sent;
use super::{GRACE, Model, TRAIL};
use crate::gate::Actor;
use crate::plan::{Fate, Found, Sid};

impl Model {
    fn leave(&mut self, actor: Actor, key: &StoreKey, to: Option<StoreKey>) {
        let began = self.began(actor);
        let place = Place::Trail { to, grace_until: began + GRACE, expires_at: began + TRAIL };
        self.places.insert(key.clone(), place);
        self.superseded_at.insert(key.clone(), self.operations);
    }

    pub(super) fn renew(&mut self, actor: Actor, key: &StoreKey, sid: Sid) {
        let ready = self.request(actor).batch.as_ref().and_then(|batch| batch.pending.clone());
        let (Some((to, owner)), Some((_, sent))) = (self.pending(actor), ready) else {
            return self.violation(actor, "left a trail to nowhere");
        };
        // What counts is what the new record holds.
        let sent = &sent;
        let record = Record { owner, ..Record::new("", Timestamp::NEVER) };
        self.write_through(actor, &to, sid, sent, &record);
        self.sessions[sid].renewed_at = self.began(actor);
        self.leave(actor, key, Some(to.clone()));
        self.places.insert(to.clone(), Place::Session(sid));
        if let Some(Batch { applied: Some((Found::Session { late, .. }, _)), .. }) =
            &mut self.request(actor).batch
        {
            *late = false;
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
            self.violation(actor, "left a tombstone although nobody logged in");
        }
        let old = self.sessions[sid].clone();
        self.sessions[sid].end = Some(End::Superseded);
        self.leave(actor, key, None);
        let Some((to, _)) = self.pending(actor) else { return self.supersede_by_nothing(actor, sent, old) };
        let new = self.begin_session(actor, sent, old.values, old.number);
        self.hand_over(actor, &to, new, sent);
    }

    /// Between the creation of the new record and the tombstone in the old one, the user's other sessions were ended
    /// from this very session: the log-in had begun before that, so it is dead, and nobody could know it in time.
    fn supersede_by_nothing(&mut self, actor: Actor, sent: &Sent, old: Life) {
        let revoked = self.is_revoked(sent.owner.as_ref());
        let Some((key, _)) = self.request(actor).batch.as_ref().and_then(|batch| batch.pending.clone())
        else {
            return self.violation(actor, "left a tombstone, and there never was a new session");
        };
        if !revoked {
            self.violation(actor, "left a tombstone, and the new session is gone");
        }
        let new = self.begin_session(actor, sent, old.values, old.number);
        self.sessions[new].end = Some(End::Ended);
        self.apply_once(actor, self.seen(new, &key, false), sent);
        self.made(actor, &key);
    }
}
