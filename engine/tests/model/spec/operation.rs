//! Operations on the store, as they are sent and as they take effect.

use cloakroom::store::{Owner, OwnerKey, Record, StoreKey, Touch};
use cloakroom::{Clock, Timestamp};

use super::Model;
use super::batch::Batch;
use super::request::Call;
use crate::gate::Actor;
use crate::plan::{Fate, Found, Want};
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
}

impl Sent {
    /// What commit `number` makes of the values.
    pub(super) fn run(&self, values: &mut Values, number: u64) {
        if let Some(up_to) = self.ages {
            values.retain(|_, held| held.flash.is_none_or(|born| born > up_to));
        }
        self.changes.iter().for_each(|change| change.run(values, number));
    }
}

impl Model {
    /// A request sends an operation.
    pub(crate) fn arrive(&mut self, actor: Actor, creates: Option<&StoreKey>) -> Sent {
        *self.trips.entry(actor).or_default() += 1;
        let now = self.clock.now();
        let request = self.request(actor);
        if request.call == Call::None && request.batch.is_none() {
            request.batch = Some(Batch::new(now, &request.mind));
        }
        let mind = &request.mind;
        let (changes, owner) = (mind.changes.clone(), mind.owner.clone());
        let (want, logged_in_at) = (mind.want(), mind.logged_in_at);
        let sent = Sent { changes, want, owner, logged_in_at, fate: mind.fate, ages: mind.ages };
        match (creates, &mut request.batch) {
            // Sent again, it is what it was.
            (Some(key), Some(batch)) => batch.created.entry(key.clone()).or_insert(sent).clone(),
            _ => sent,
        }
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
            (Done::Update { record, made: true }, Some(key)) => self.update(actor, key, sent, record),
            (Done::End { found: true }, Some(key)) => self.end(actor, key, false),
            (Done::Delete { found: true }, Some(key)) => self.end(actor, key, true),
            _ => {}
        }
    }

    pub(super) fn began(&self, actor: Actor) -> Timestamp {
        self.requests[&actor].batch.as_ref().map_or_else(|| self.clock.now(), |batch| batch.began)
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
