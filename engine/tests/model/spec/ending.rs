//! Sessions that end.

use cloakroom::Timestamp;
use cloakroom::store::{Owner, OwnerKey, StoreKey};

use super::Model;
use super::batch::Batch;
use super::life::{End, Place};
use super::request::Call;
use crate::gate::Actor;
use crate::plan::{Fate, Found, Sid};

impl Model {
    /// Notes that a record is gone; only a record whose id no client has received is `deleted`, whatever it holds by now.
    pub(super) fn end(&mut self, actor: Actor, key: &StoreKey, deleted: bool) {
        self.end_there(actor, key, deleted);
        self.places.remove(key);
    }

    fn end_there(&mut self, actor: Actor, key: &StoreKey, deleted: bool) {
        let there = self.places.get(key).cloned();
        match there {
            Some(Place::Session(sid)) => {
                let cap = self.rules.cap.is_some();
                let is_over = self.is_over(actor, sid);
                let is_of_another_id = self.is_of_another_id(actor, key);
                let is_dated_ahead = self.is_dated_ahead(actor, sid);
                self.sessions[sid].end = Some(End::Ended);
                let request = self.request(actor);
                let own = request.batch.as_ref().is_some_and(|batch| {
                    batch.planned == Fate::End
                        && matches!(batch.seen, Found::Session { sid: own, .. } if own == sid)
                });
                // A session that the client never learned of, because the request could not learn whether it was stored.
                let taken_back = deleted && request.take_back(key);
                request.ended |= own;
                if let Some(batch) = request.batch.as_mut().filter(|_| own) {
                    batch.ended = true;
                }
                if !own && !taken_back && !cap && !is_over && !is_of_another_id && !is_dated_ahead {
                    self.violation(actor, "ended a session that was not to end");
                }
            }
            Some(Place::Pending { by, .. })
                if by != actor
                    && self.rules.cap.is_none()
                    && !self.is_ending(actor)
                    && !self.is_revoking(actor) =>
            {
                self.violation(actor, "removed a record that another request was about to use");
            }
            Some(Place::Trail { to: Some(_), .. }) => {
                self.violation(actor, "removed a trail");
            }
            Some(Place::Pending { by, .. }) if by != actor && self.is_revoking(actor) => {
                self.request(by).is_cut_short = true;
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
        let is_dead =
            |of: &Option<Owner>| of.as_ref().is_some_and(|of| of.key == *owner && of.logged_in_at <= at);
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

    /// Returns whether the request's commit ends what its ids lead to, before a log-in or as a log-out.
    fn is_ending(&self, actor: Actor) -> bool {
        let batch = self.requests[&actor].batch.as_ref();
        batch.is_some_and(|batch| matches!(batch.planned, Fate::End | Fate::LogIn))
    }

    /// Returns whether the commit is to end the session under `key` because the request brought an id of it beside its
    /// own.
    fn is_of_another_id(&self, actor: Actor, key: &StoreKey) -> bool {
        let leads_here = |from: &StoreKey| {
            let mut from = from;
            loop {
                match self.places.get(from) {
                    _ if from == key => return true,
                    Some(Place::Trail { to: Some(to), .. }) => from = to,
                    _ => return false,
                }
            }
        };
        self.is_ending(actor) && self.requests[&actor].other_ids.iter().any(leads_here)
    }

    fn is_revoking(&self, actor: Actor) -> bool {
        self.rules.skewed && self.requests[&actor].call == Call::Revoke
    }

    /// Returns whether a revocation ends the session although its log-in is dated later than that: clocks differ.
    fn is_dated_ahead(&self, actor: Actor, sid: Sid) -> bool {
        let is_later =
            |owner: &Owner| self.revoked.get(&owner.key).is_some_and(|at| owner.logged_in_at > *at);
        self.requests[&actor].call == Call::Revoke && self.sessions[sid].owner.as_ref().is_some_and(is_later)
    }

    /// Returns whether the session has lived as long as any may, by the clock of the request's machine.
    pub(super) fn is_over(&self, actor: Actor, sid: Sid) -> bool {
        self.now(actor) >= self.sessions[sid].started_at + self.rules.absolute()
    }

    /// Returns whether the session that a commit wanted to end is dead, whichever request ended it.
    pub(super) fn has_ended(&self, batch: &Batch) -> bool {
        match batch.seen {
            Found::Session { sid, .. } => !self.is_alive(sid),
            Found::Absent | Found::Closed => true,
        }
    }
}
