//! Operations on the store, as they are sent and as they take effect.

use cloakroom::Timestamp;
use cloakroom::store::{Owner, OwnerKey, Record, StoreKey, Touch};

use super::Model;
use super::request::Call;
use crate::gate::Actor;
use crate::plan::{Fate, Found, Mind, Want};
use crate::values::{Change, Values};

/// An operation that took effect, or found that it could not.
#[derive(Debug)]
pub(crate) enum Done<'a> {
    Load {
        touch: Option<Touch>,
        found: bool,
    },
    Create {
        record: &'a Record,
        made: bool,
    },
    Update {
        record: &'a Record,
        made: bool,
    },
    /// An update to a record that has expired: it ends exactly what was seen.
    End {
        found: bool,
    },
    Delete {
        found: bool,
    },
    Revoke {
        owner: &'a OwnerKey,
        at: Timestamp,
    },
    Touch {
        expires_at: Timestamp,
    },
    Nothing,
}

/// What a write carried when it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) changes: Vec<Change>,
    pub(super) want: Want,
    pub(crate) owner: Option<Owner>,
    pub(super) logged_in_at: Option<Timestamp>,
    pub(crate) fate: Fate,
    /// The flash values that go with it.
    pub(super) ages: Option<u64>,
    pub(crate) decisions: u32,
    pub(crate) taken_back: u32,
    pub(super) must_exist: bool,
}

impl Sent {
    /// What a commit carries that began when the request knew and had decided this.
    pub(super) fn of(mind: &Mind) -> Self {
        Self {
            changes: mind.changes.clone(),
            want: mind.want(),
            owner: mind.owner.clone(),
            logged_in_at: mind.logged_in_at,
            fate: mind.fate,
            ages: mind.ages,
            decisions: mind.decisions,
            taken_back: mind.taken_back,
            must_exist: mind.must_exist,
        }
    }

    /// Returns whether it logs a user in.
    pub(super) fn owner_is_new(&self) -> bool {
        self.logged_in_at.is_some()
    }

    /// Carries out commit `number` on the values.
    pub(super) fn run(&self, values: &mut Values, number: u64) {
        if let Some(up_to) = self.ages {
            values.retain(|_, held| held.flash.is_none_or(|born| born > up_to));
        }
        self.changes.iter().for_each(|change| change.run(values, number));
    }
}

impl Model {
    /// A request sends an operation. What it carries was decided when its commit began.
    pub(crate) fn arrive(&mut self, actor: Actor, what: &str, key: Option<&StoreKey>) -> Sent {
        *self.trips.entry(actor).or_default() += 1;
        let now = self.now(actor);
        self.see_what_is_due(actor, now);
        let request = self.request(actor);
        if request.call == Call::None {
            request.begin_batch(now, what);
        }
        match (key, &mut request.batch) {
            (Some(key), Some(batch)) if what.starts_with("creates") => {
                batch.created.insert(key.clone());
            }
            _ => {}
        }
        request.batch.as_ref().map_or_else(|| Sent::of(&request.mind), |batch| batch.sent.clone())
    }

    /// An operation is done; whether its answer arrives is another matter.
    pub(crate) fn done(&mut self, actor: Actor, key: Option<&StoreKey>, sent: &Sent, done: &Done<'_>) {
        self.operations += 1;
        let operations = self.operations;
        self.request(actor).last_operation = operations;
        match (done, key) {
            (Done::Revoke { owner, at }, _) => {
                self.request(actor).revoked_at = *at;
                self.revoke(owner, *at);
            }
            (Done::Load { touch, found }, Some(key)) => self.load(actor, key, *touch, *found),
            (Done::Create { record, made: true }, Some(key)) => self.create(actor, key, sent, record),
            (Done::Touch { expires_at }, Some(key)) => self.touch(key, *expires_at),
            (Done::Update { record, made: true }, Some(key)) => self.update(actor, key, sent, record),
            (Done::End { found: true }, Some(key)) => self.end(actor, key, false),
            (Done::Delete { found: true }, Some(key)) => self.end(actor, key, true),
            _ => {}
        }
    }

    pub(super) fn began(&self, actor: Actor) -> Timestamp {
        self.requests[&actor].batch.as_ref().map_or_else(|| self.now(actor), |batch| batch.began)
    }

    pub(super) fn apply_once(&mut self, actor: Actor, seen: Found, sent: &Sent) {
        let Some(batch) = &mut self.request(actor).batch else {
            return self.violation(actor, "wrote although nothing was to be saved");
        };
        if batch.applied.replace((seen, sent.clone())).is_some() {
            self.violation(actor, "the same changes were stored twice");
        }
    }
}
