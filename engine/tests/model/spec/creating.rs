//! Sessions that begin.

use cloakroom::Timestamp;
use cloakroom::store::{Record, StoreKey};

use super::Model;
use super::life::{Life, Place};
use super::operation::Sent;
use crate::gate::Actor;
use crate::plan::{Fate, Found, Sid, Want};
use crate::values::Values;

impl Model {
    pub(super) fn create(&mut self, actor: Actor, key: &StoreKey, sent: &Sent, record: &Record) {
        let is_own = self.is_own(actor, key);
        if is_own && self.places.contains_key(key) {
            // It had taken effect before, and the session that began when this request did is over by now.
            return;
        }
        // Its own may have been ended in between, by a revocation or a cap: no client ever received that id.
        if let Some(batch) = self.request(actor).batch.as_mut().filter(|_| is_own) {
            batch.applied = None;
        }
        if !self.used.insert(key.clone()) && !is_own {
            self.violation(actor, "a record was created under an id that was used before");
        }
        let owner = record.owner.clone();
        if matches!(sent.want, Want::Renew | Want::LogIn) {
            let place = Place::Pending { by: actor, owner, expires_at: record.expires_at };
            self.places.insert(key.clone(), place);
            return self.holds_ready(actor, key, sent);
        }
        if !matches!(sent.want, Want::Create | Want::EndAndCreate) {
            self.violation(actor, format!("created a record although it wanted {:?}", sent.want));
        }
        let sid = self.begin_session(actor, sent, Values::new(), 0, record.expires_at);
        self.hand_over(actor, key, sid, sent);
    }

    pub(super) fn holds_ready(&mut self, actor: Actor, key: &StoreKey, sent: &Sent) {
        if let Some(batch) = &mut self.request(actor).batch {
            batch.pending = Some((key.clone(), sent.clone()));
        }
    }

    /// Returns whether an earlier try of this commit has created the record.
    fn is_own(&self, actor: Actor, key: &StoreKey) -> bool {
        let Some(batch) = &self.requests[&actor].batch else { return false };
        let pending = batch.pending.as_ref().map(|(key, _)| key);
        batch.made.as_ref() == Some(key) || pending == Some(key)
    }

    /// A new session with this request's changes on top of `values`.
    pub(super) fn begin_session(
        &mut self,
        actor: Actor,
        sent: &Sent,
        mut values: Values,
        number: u64,
        expires_at: Timestamp,
    ) -> Sid {
        let number = number + 1;
        let request = &self.requests[&actor];
        sent.run(&mut values, number);
        let started_at = sent.logged_in_at.unwrap_or(request.loaded_at);
        let renewed_at = self.written_at(actor, expires_at, started_at);
        let owner = sent.owner.clone();
        let parent = match self.seen_by(actor) {
            Found::Session { sid, .. } if sent.fate == Fate::LogIn => Some(*sid),
            _ => None,
        };
        self.sessions.push(Life {
            values,
            owner,
            number,
            started_at,
            renewed_at,
            expires_at,
            end: None,
            parent,
        });
        self.sessions.len() - 1
    }

    /// The key leads to the session, and this request will tell its client.
    pub(super) fn hand_over(&mut self, actor: Actor, key: &StoreKey, sid: Sid, sent: &Sent) {
        self.places.insert(key.clone(), Place::Session(sid));
        self.apply_once(actor, self.seen(sid, key, false), sent);
        self.made(actor, key);
    }

    pub(super) fn made(&mut self, actor: Actor, key: &StoreKey) {
        if let Some(Place::Session(sid)) = self.places.get(key) {
            self.first_led_to.insert(key.clone(), *sid);
        }
        let request = self.request(actor);
        request.made = Some(key.clone());
        if let Some(batch) = &mut request.batch {
            batch.made = Some(key.clone());
        }
    }
}
