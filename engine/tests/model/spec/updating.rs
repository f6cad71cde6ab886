//! Sessions that are written.

use cloakroom::store::{Owner, Record, StoreKey};

use super::life::{Kind, Place, kind};
use super::operation::Sent;
use super::request::Call;
use super::{IDLE, Model};
use crate::gate::Actor;
use crate::plan::{Found, Sid};

impl Model {
    pub(super) fn update(&mut self, actor: Actor, key: &StoreKey, sent: &Sent, record: &Record) {
        match self.live(key).cloned() {
            Some(Place::Pending { by, expires_at, .. }) if by == actor => {
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
        let began = self.began(actor);
        let absolute = self.rules.absolute();
        let request = &self.requests[&actor];
        if !matches!(request.mind.place, Found::Session { sid: own, .. } if own == sid) {
            self.violation(actor, "wrote to a session that it never saw");
        }
        if self.sessions[sid].owner != record.owner {
            self.violation(actor, "a write changed whose session it is, or since when");
        }
        let life = &mut self.sessions[sid];
        life.number += 1;
        sent.run(&mut life.values, life.number);
        life.expires_at = (began + IDLE).min(life.started_at + absolute);
        let late = match &self.requests[&actor].mind.place {
            Found::Session { key: own, late, .. } => *late || own != key,
            _ => false,
        };
        self.apply_once(actor, self.seen(sid, key, late), sent);
    }

    /// The record that this request holds ready under a new id.
    pub(super) fn pending(&self, actor: Actor) -> Option<(StoreKey, Option<Owner>)> {
        self.places.iter().find_map(|(key, place)| match place {
            Place::Pending { by, owner, .. } if *by == actor => Some((key.clone(), owner.clone())),
            _ => None,
        })
    }
}
