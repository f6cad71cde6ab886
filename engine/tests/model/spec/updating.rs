//! Sessions that are written.

use cloakroom::Timestamp;
use cloakroom::store::{Owner, Record, StoreKey};

use super::Model;
use super::life::{Kind, Place, kind};
use super::operation::Sent;
use super::request::Call;
use crate::gate::Actor;
use crate::plan::{Found, Sid};

/// A record that leads nowhere yet.
pub(super) struct Ready {
    pub(super) owner: Option<Owner>,
    pub(super) expires_at: Timestamp,
}

impl Model {
    pub(super) fn update(&mut self, actor: Actor, key: &StoreKey, sent: &Sent, record: &Record) {
        match self.live(key).cloned() {
            Some(Place::Pending { by, .. }) if by == actor => {
                let expires_at = record.expires_at;
                let place = Place::Pending { by, owner: record.owner.clone(), expires_at };
                self.places.insert(key.clone(), place);
                self.holds_ready(actor, key, sent);
            }
            Some(Place::Session(sid)) => match (kind(record), self.requests[&actor].call) {
                (Kind::Session, Call::Revoke) => self.sessions[sid].owner.clone_from(&record.owner),
                (Kind::Session, _) => self.write_through(actor, key, sid, sent, record),
                (Kind::Renewed, _) => self.renew(actor, key, sid),
                (Kind::Replaced, _) => self.supersede(actor, key, sid),
            },
            _ => self.violation(actor, "wrote where nothing of its own is"),
        }
    }

    pub(super) fn write_through(
        &mut self,
        actor: Actor,
        key: &StoreKey,
        sid: Sid,
        sent: &Sent,
        record: &Record,
    ) {
        if !matches!(self.seen_by(actor), Found::Session { sid: own, .. } if *own == sid) {
            self.violation(actor, "wrote to a session that it never saw");
        }
        if self.sessions[sid].owner != record.owner {
            self.violation(actor, "a write changed whose session it is, or since when");
        }
        let started_at = self.sessions[sid].started_at;
        self.written_at(actor, record.expires_at, started_at);
        let life = &mut self.sessions[sid];
        life.number += 1;
        sent.run(&mut life.values, life.number);
        life.expires_at = record.expires_at;
        let late = match self.seen_by(actor) {
            Found::Session { key: own, late, .. } => *late || own != key,
            _ => false,
        };
        self.apply_once(actor, self.seen(sid, key, late), sent);
    }

    /// The session that the commit of a request is about.
    pub(super) fn seen_by(&self, actor: Actor) -> &Found {
        let request = &self.requests[&actor];
        request.batch.as_ref().map_or(&request.mind.place, |batch| &batch.seen)
    }

    /// When a record was written, by its expiry: when its commit began, or later if that met others.
    pub(super) fn written_at(
        &mut self,
        actor: Actor,
        expires_at: Timestamp,
        started_at: Timestamp,
    ) -> Timestamp {
        let (idle, end) = (self.rules.idle(), started_at + self.rules.absolute());
        let (began, now) = (self.began(actor), self.now(actor));
        if expires_at < (began + idle).min(end) || expires_at > (now + idle).min(end) {
            self.violation(actor, "wrote a record with a wrong expiry");
        }
        if expires_at < end { expires_at - idle } else { began }
    }

    /// The record that this request holds ready under a new id.
    pub(super) fn pending(&self, actor: Actor) -> Option<(StoreKey, Ready)> {
        self.places.iter().find_map(|(key, place)| match place {
            Place::Pending { by, owner, expires_at } if *by == actor => {
                Some((key.clone(), Ready { owner: owner.clone(), expires_at: *expires_at }))
            }
            _ => None,
        })
    }
}
