//! Sessions that end.

use cloakroom::store::{Owner, OwnerKey, StoreKey};
use cloakroom::{Clock, Timestamp};

use super::Model;
use super::life::{End, Place};
use crate::gate::Actor;
use crate::plan::{Fate, Found};

impl Model {
    /// A record is gone; only what nobody has heard of is `deleted`, whatever it holds by now.
    pub(super) fn end(&mut self, actor: Actor, key: &StoreKey, deleted: bool) {
        match self.places.remove(key) {
            Some(Place::Session(sid)) => {
                let cap = self.rules.cap.is_some();
                let is_over = self.clock.now() >= self.sessions[sid].started_at + self.rules.absolute();
                self.sessions[sid].end = Some(End::Ended);
                let request = self.request(actor);
                let own = request.mind.fate == Fate::End
                    && matches!(request.mind.place, Found::Session { sid: own, .. } if own == sid);
                // A session that nobody was told of, because the request could not learn whether it was stored.
                let taken_back = deleted && request.take_back(key);
                request.ended |= own;
                if let Some(batch) = request.batch.as_mut().filter(|_| own) {
                    batch.ended = true;
                }
                if !own && !taken_back && !cap && !is_over {
                    self.violation(actor, "ended a session that was not to end");
                }
            }
            Some(Place::Pending { by, .. })
                if by != actor
                    && self.rules.cap.is_none()
                    && self.requests[&actor].mind.fate != Fate::End =>
            {
                self.violation(actor, "removed a record that another request was about to use");
            }
            Some(Place::Trail { to: Some(_), .. }) => {
                self.violation(actor, "removed a trail");
            }
            Some(Place::Pending { by, .. }) if by != actor => {
                // A renewal was about to take it for the session's new record; it will find the old one gone.
                if let Some(batch) = &mut self.request(actor).batch {
                    batch.ended = true;
                }
            }
            Some(Place::Pending { .. } | Place::Trail { .. }) | None => {}
        }
    }

    pub(super) fn revoke(&mut self, owner: &OwnerKey, at: Timestamp) {
        let latest = self.revoked.entry(owner.clone()).or_insert(at);
        *latest = at.max(*latest);
        let is_dead = |of: &Option<Owner>| of.as_ref().is_some_and(|of| of.key == *owner && of.since <= at);
        let sessions = &mut self.sessions;
        self.places.retain(|_, place| match place {
            Place::Session(sid) if is_dead(&sessions[*sid].owner) => {
                sessions[*sid].end = Some(End::Ended);
                false
            }
            Place::Pending { owner, .. } => !is_dead(owner),
            _ => true,
        });
    }

    /// The session that a request wanted to end is dead, whoever ended it.
    pub(super) fn has_ended(&self, actor: Actor) -> bool {
        match self.requests[&actor].mind.place {
            Found::Session { sid, .. } => !self.is_alive(sid),
            Found::Absent | Found::Closed => true,
        }
    }
}
