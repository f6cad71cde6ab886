//! What the store holds: sessions, and what ids lead to.

use cloakroom::store::{Owner, Record, StoreKey};
use cloakroom::{Clock, Timestamp};

use super::Model;
use crate::gate::Actor;
use crate::plan::{Found, Sid};
use crate::values::Values;

/// A session, dead or alive.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) values: Values,
    pub(super) owner: Option<Owner>,
    /// Counts the commits.
    pub(super) number: u64,
    pub(super) started_at: Timestamp,
    pub(super) renewed_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) end: Option<End>,
    /// The session that a log-in made this one of.
    pub(super) parent: Option<Sid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Logged out, destroyed, revoked, or beyond the cap.
    Ended,
    /// A log-in made another session of it.
    Superseded,
}

/// What an id leads to.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Session(Sid),
    /// A record under an id that no client knows yet.
    Pending {
        by: Actor,
        owner: Option<Owner>,
        expires_at: Timestamp,
    },
    Trail {
        to: Option<StoreKey>,
        grace_until: Timestamp,
        expires_at: Timestamp,
    },
}

/// What a payload is; see `docs/wire.md`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Session,
    Renewed,
    Replaced,
}

pub(super) fn kind(record: &Record) -> Kind {
    match record.payload.get(1) {
        Some(2) => Kind::Renewed,
        Some(3) => Kind::Replaced,
        _ => Kind::Session,
    }
}

impl Model {
    /// Where a key leads for a request that began at `begun`.
    pub(super) fn look(&self, key: &StoreKey, begun: Timestamp, called: Timestamp) -> Found {
        self.look_on(key, begun, called, 3)
    }

    /// The same, for one that may look at only so many records more.
    pub(super) fn look_on(&self, key: &StoreKey, begun: Timestamp, called: Timestamp, most: usize) -> Found {
        let mut key = key.clone();
        let mut late = false;
        for _ in 0..most {
            match self.live(&key) {
                None | Some(Place::Pending { .. }) => return Found::Absent,
                Some(Place::Session(sid)) => {
                    let life = &self.sessions[*sid];
                    if called >= life.started_at + self.rules.absolute() {
                        return Found::Absent;
                    }
                    return self.seen(*sid, &key, late);
                }
                Some(Place::Trail { grace_until, .. }) if begun > *grace_until => return Found::Absent,
                Some(Place::Trail { to: None, .. }) => return Found::Closed,
                Some(Place::Trail { to: Some(to), .. }) => (key, late) = (to.clone(), true),
            }
        }
        Found::Closed
    }

    /// Returns the session as a request that reads or writes it now knows it.
    pub(super) fn seen(&self, sid: Sid, key: &StoreKey, late: bool) -> Found {
        let life = &self.sessions[sid];
        let (values, owner) = (life.values.clone(), life.owner.clone());
        Found::Session {
            sid,
            key: key.clone(),
            late,
            values,
            number: life.number,
            owner,
            renewed_at: life.renewed_at,
            expires_at: life.expires_at,
        }
    }

    /// What is under a key now.
    pub(super) fn live(&self, key: &StoreKey) -> Option<&Place> {
        let now = self.clock.now();
        self.places.get(key).filter(|place| match place {
            Place::Session(sid) => now < self.sessions[*sid].expires_at,
            Place::Pending { expires_at, .. } | Place::Trail { expires_at, .. } => now < *expires_at,
        })
    }

    pub(super) fn is_alive(&self, sid: Sid) -> bool {
        self.sessions[sid].end.is_none() && self.clock.now() < self.sessions[sid].expires_at
    }

    pub(super) fn is_revoked(&self, owner: Option<&Owner>) -> bool {
        owner.is_some_and(|owner| self.revoked.get(&owner.key).is_some_and(|at| owner.logged_in_at <= *at))
    }

    /// Returns whether the session was made, perhaps by log-ins, of the one that this key was made for.
    pub(super) fn is_of_the_family(&self, sid: Sid, key: Option<&StoreKey>) -> bool {
        let Some(elder) = key.and_then(|key| self.first_led_to.get(key)) else { return false };
        let mut line = std::iter::successors(Some(sid), |sid| self.sessions[*sid].parent);
        line.any(|sid| sid == *elder)
    }
}
