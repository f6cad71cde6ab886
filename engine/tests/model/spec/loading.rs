//! What a request finds when it looks.

use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::store::{Owner, StoreKey, Touch};

use super::Model;
use super::life::Place;
use super::request::{Call, request_closed};
use crate::gate::Actor;
use crate::plan::{Found, Mind};

impl Model {
    /// The handler calls something that looks into the store.
    pub(crate) fn call(&mut self, actor: Actor, call: Call) {
        let now = self.now(actor);
        let request = self.request(actor);
        (request.call, request.called, request.found, request.looks) = (call, now, None, 0);
        if !request.has_loaded {
            (request.next_look, request.ids_seen, request.met_log_in) = (None, 0, false);
        }
    }

    /// The first load has ended well.
    pub(crate) fn loaded(&mut self, actor: Actor) {
        let request = self.request(actor);
        let mut place = request.found.take().unwrap_or(Found::Absent);
        if request.met_log_in && matches!(place, Found::Absent) {
            place = Found::Closed;
        }
        request.other_ids = request.cookies.iter().skip(request.ids_seen).cloned().collect();
        (request.call, request.has_loaded) = (Call::None, true);
        request.found_something = !matches!(place, Found::Absent);
        if let Found::Session { number, .. } = place {
            request.first_seen = number;
        }
        self.know(actor, place);
    }

    /// A reload has ended well; `true` if there is a session.
    pub(crate) fn reloaded(&mut self, actor: Actor) -> bool {
        let request = self.request(actor);
        request.call = Call::None;
        let was_late = matches!(request.mind.place, Found::Session { late: true, .. });
        let Some(mut place) = request.found.take() else { return false };
        let Found::Session { late, .. } = &mut place else { return false };
        *late |= was_late;
        self.know(actor, place);
        let request = self.request(actor);
        // What this request itself flashed is for the next one.
        request.mind.ages = request.mind.ages.map(|_| request.first_seen);
        true
    }

    /// A reload has said that the session is gone.
    pub(crate) fn reload_found_nothing(&mut self, actor: Actor) {
        let request = self.request(actor);
        request.call = Call::None;
        match request.found.take() {
            Some(Found::Session { .. }) => {
                self.violation(actor, "a session that lives could not be loaded again");
            }
            Some(Found::Absent | Found::Closed) => request_closed(request),
            None if request.mind.stored().is_some() => {
                self.violation(actor, "the session was not looked for");
            }
            None => {}
        }
    }

    pub(super) fn know(&mut self, actor: Actor, place: Found) {
        let called = self.requests[&actor].called;
        let due = match place {
            Found::Session { sid, .. } => self.rules.renew_every.is_some_and(|every| {
                called.since(self.sessions[sid].renewed_at) >= Duration::from_secs(every)
            }),
            Found::Absent | Found::Closed => false,
        };
        let request = self.request(actor);
        request.loaded_at = called;
        request.mind = Mind::new(place, due);
    }

    /// A commit that begins now renews an id whose time has come, and moves an expiry.
    pub(super) fn see_what_is_due(&mut self, actor: Actor, now: Timestamp) {
        if self.requests[&actor].batch.is_some() {
            return;
        }
        let (renewal_due, touch_due) = match &self.requests[&actor].mind.place {
            Found::Session { sid, renewed_at, expires_at, .. } => {
                let life = &self.sessions[*sid];
                let age = now.since(*renewed_at);
                let renewal_due =
                    self.rules.renew_every.is_some_and(|every| age >= Duration::from_secs(every));
                let due_before = now + self.rules.idle() / 10 * 9;
                (
                    renewal_due,
                    *expires_at < due_before && *expires_at < life.started_at + self.rules.absolute(),
                )
            }
            Found::Absent | Found::Closed => (false, false),
        };
        let mind = &mut self.request(actor).mind;
        (mind.renewal_due, mind.touch_due) = (renewal_due, touch_due);
    }

    /// All other sessions of the user have been ended; this one, and a log-in of this request, is dated after that.
    pub(crate) fn spared(&mut self, actor: Actor) {
        let stored = match &self.requests[&actor].mind.place {
            Found::Session { sid, .. } => self.sessions[*sid].owner.clone(),
            Found::Absent | Found::Closed => None,
        };
        let Some(owner) = self.requests[&actor].mind.owner.clone() else { return };
        let since = owner.logged_in_at.max(self.requests[&actor].revoked_at + Duration::from_micros(1));
        let mind = &mut self.request(actor).mind;
        mind.owner = Some(Owner::new(owner.key, since));
        mind.logged_in_at = mind.logged_in_at.map(|_| since);
        if let Found::Session { owner, .. } = &mut mind.place {
            *owner = stored;
        }
    }

    pub(super) fn load(&mut self, actor: Actor, key: &StoreKey, touch: Option<Touch>, found: bool) {
        if found != self.live(key).is_some() {
            self.violation(actor, "the store and the model disagree on what there is");
        }
        if let (Some(touch), Some(Place::Session(sid))) = (touch, self.live(key).cloned()) {
            let life = &mut self.sessions[sid];
            if life.expires_at < touch.due_before && life.expires_at < touch.expires_at {
                life.expires_at = touch.expires_at;
            }
        }
        if self.requests[&actor].call == Call::Load {
            return self.look_for_a_call(actor, key);
        }
        if let Some(Place::Session(sid)) = self.live(key) {
            let seen = self.seen(*sid, key, false);
            self.see_again(actor, seen);
        }
        self.look_for_a_commit(actor, key);
    }

    /// A handler looks for its session: at first under the ids of the cookies, one after the other.
    fn look_for_a_call(&mut self, actor: Actor, key: &StoreKey) {
        let request = self.request(actor);
        let is_next_id = request.next_look.take().is_none_or(|next| next != *key);
        let is_first_load = !request.has_loaded;
        if is_next_id && is_first_load {
            request.ids_seen += 1;
        }
        let (begun, called) =
            if is_first_load { (request.begun, request.called) } else { (Timestamp::EPOCH, request.called) };
        let start = match &request.mind.place {
            Found::Session { key, .. } => Some(key.clone()),
            _ => request.cookies.get(request.ids_seen.saturating_sub(1)).cloned(),
        };
        request.looks += 1;
        let most = if is_first_load { (4 - request.looks.min(4)).min(3) } else { usize::MAX };
        let mut result = self.look_on(key, begun, called, most);
        if let (Found::Session { late, .. }, Some(start)) = (&mut result, start) {
            *late |= start != *key;
        }
        let next_look = match self.live(key) {
            Some(Place::Trail { to: Some(to), grace_until, .. }) if begun <= *grace_until && most > 1 => {
                Some(to.clone())
            }
            _ => None,
        };
        let request = self.request(actor);
        request.met_log_in |= is_first_load && matches!(result, Found::Closed);
        request.next_look = next_look;
        request.found = Some(result);
    }

    /// A commit looks for its session, wherever that has gone.
    fn look_for_a_commit(&mut self, actor: Actor, key: &StoreKey) {
        let now = self.now(actor);
        let mut result = self.look_on(key, Timestamp::EPOCH, now, usize::MAX);
        let Some(batch) = &mut self.request(actor).batch else { return };
        if let (Found::Session { late, key: at, .. }, Found::Session { key: seen, late: was_late, .. }) =
            (&mut result, &batch.seen)
        {
            *late = *was_late || at != seen;
        }
        batch.looked = Some(result);
    }

    /// The expiry was moved.
    pub(super) fn touch(&mut self, key: &StoreKey, expires_at: Timestamp) {
        if let Some(Place::Session(sid)) = self.live(key).cloned() {
            let life = &mut self.sessions[sid];
            life.expires_at = life.expires_at.max(expires_at);
        }
    }

    /// After a lost answer, the request finds its own write, and what others have written since.
    fn see_again(&mut self, actor: Actor, seen: Found) {
        let Some(batch) = &mut self.request(actor).batch else { return };
        if let (
            Some((Found::Session { sid: old, values: before, .. }, _)),
            Found::Session { sid, values, .. },
        ) = (&mut batch.applied, seen)
            && *old == sid
        {
            *before = values;
        }
    }
}
