//! One request, from its cookie to its response.

use std::time::Duration;

use cloakroom::store::StoreKey;
use cloakroom::{Clock, Timestamp};

use super::Model;
use super::batch::Batch;
use crate::gate::Actor;
use crate::plan::{Fate, Found, Mind};

/// What a handler is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    None,
    Load,
    Revoke,
}

/// How wrong the clock of a machine is, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skew(pub(crate) i64);

impl Skew {
    /// What the machine's clock says when it is `now`.
    pub(crate) fn of(self, now: Timestamp) -> Timestamp {
        let by = Duration::from_secs(self.0.unsigned_abs());
        if self.0 < 0 { now - by } else { now + by }
    }
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) begun: Timestamp,
    /// The names that the ids of the cookies have in the store, if they are ours, in their order.
    pub(super) cookies: Vec<StoreKey>,
    /// The ids behind the one that led to the session.
    pub(super) other_ids: Vec<StoreKey>,
    /// By how much its machine's clock is ahead, and by how much behind.
    pub(super) skew: Skew,
    /// Where the record that it looked at last leads.
    pub(super) next_look: Option<StoreKey>,
    /// How many of the cookies it has looked at.
    pub(super) ids_seen: usize,
    /// One of them was replaced by a log-in.
    pub(super) met_log_in: bool,
    pub(super) call: Call,
    pub(super) called: Timestamp,
    pub(super) found: Option<Found>,
    /// How many records it has looked at in this call.
    pub(super) looks: usize,
    pub(super) mind: Mind,
    pub(super) batch: Option<Batch>,
    /// The id that the response must tell, or that the cookie goes.
    pub(super) told: Cookie,
    /// The id that it made last.
    pub(super) made: Option<StoreKey>,
    pub(super) loaded_at: Timestamp,
    pub(super) has_loaded: bool,
    /// The id that it brought led somewhere, or had done so until a log-in.
    pub(super) found_something: bool,
    /// How many commits the session had had when the request first saw it.
    pub(super) first_seen: u64,
    /// The last commit went well.
    pub(super) answered: bool,
    pub(super) revoked_at: Timestamp,
    /// It removed the record of the session that it saw.
    pub(super) ended: bool,
    /// An error left it open what is in the store.
    pub(super) unsure: bool,
    pub(super) faults: usize,
    /// The handler gave up, or its client did.
    pub(crate) failed: bool,
    /// Its client did.
    pub(super) is_left: bool,
    /// A revocation, dated earlier by another clock, ended the record that it was about to use.
    pub(super) is_cut_short: bool,
    /// Counts the operations up to its last one.
    pub(super) last_operation: u64,
}

impl Request {
    /// A commit begins, if none is under way.
    pub(super) fn begin_batch(&mut self, now: Timestamp, what: &str) {
        // The one that was under way when the client left is over by now, and this is the one that carries out the end.
        let is_abandoned = self.is_left && what == "ends" && self.mind.fate == Fate::End;
        if is_abandoned && self.batch.as_ref().is_some_and(|batch| batch.planned != Fate::End) {
            self.mind.end();
            self.batch = None;
        }
        let mind = &self.mind;
        self.batch.get_or_insert_with(|| Batch::new(now, mind));
    }

    /// Returns whether the record is one that this commit has created: then it is gone before a client received its id,
    /// and the request's changes are as they were before.
    pub(super) fn take_back(&mut self, key: &StoreKey) -> bool {
        let Some(batch) = self.batch.as_mut().filter(|batch| batch.created.contains(key)) else {
            return false;
        };
        (batch.applied, batch.made, batch.taken_back) = (None, None, true);
        self.made = None;
        true
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    Unchanged,
    Set(StoreKey),
    Removed,
    /// The id, or nothing.
    Perhaps(StoreKey),
}

/// The session of this request is gone: nothing can be written, and the client must not hear of its id.
pub(super) fn request_closed(request: &mut Request) {
    request.mind.closed();
    if request.told != Cookie::Removed {
        request.told = Cookie::Unchanged;
    }
}

impl Model {
    pub(crate) fn begin(&mut self, actor: Actor, ids: &[String], skew: Skew) {
        let now = skew.of(self.clock.now());
        let request = Request {
            begun: now,
            cookies: ids.iter().filter_map(|id| self.ids.get(id).cloned()).collect(),
            other_ids: Vec::new(),
            skew,
            next_look: None,
            ids_seen: 0,
            met_log_in: false,
            call: Call::None,
            called: now,
            found: None,
            looks: 0,
            mind: Mind::new(Found::Absent, false),
            batch: None,
            told: Cookie::Unchanged,
            made: None,
            revoked_at: now,
            ended: false,
            loaded_at: now,
            has_loaded: false,
            found_something: false,
            first_seen: 0,
            answered: false,
            unsure: false,
            faults: 0,
            failed: false,
            is_left: false,
            is_cut_short: false,
            last_operation: 0,
        };
        self.requests.insert(actor, request);
    }

    /// What the clock of the request's machine says.
    pub(crate) fn now(&self, actor: Actor) -> Timestamp {
        let skew = self.requests.get(&actor).map_or(Skew::default(), |request| request.skew);
        skew.of(self.clock.now())
    }

    pub(super) fn request(&mut self, actor: Actor) -> &mut Request {
        self.requests.get_mut(&actor).expect("requests begin before they act")
    }

    /// What the handler changes, so that the model changes it too.
    pub(crate) fn mind(&mut self, actor: Actor) -> &mut Mind {
        &mut self.request(actor).mind
    }

    /// Returns whether what the handler reads can be foretold: not after a save has failed.
    pub(crate) fn is_sure(&mut self, actor: Actor) -> bool {
        !self.request(actor).unsure
    }

    /// The handler gave up, its client went away, or its store is lost.
    pub(crate) fn fail(&mut self, actor: Actor) {
        if let Some(request) = self.requests.get_mut(&actor) {
            request.failed = true;
        }
    }

    /// The client went away in the middle of whatever it was.
    pub(crate) fn is_left(&mut self, actor: Actor) {
        let Some(request) = self.requests.get_mut(&actor) else { return };
        (request.failed, request.is_left, request.call) = (true, true, Call::None);
        if request.mind.fate == Fate::End && request.batch.is_none() {
            // The end is carried out all the same; a session that begins after it would have no client.
            request.mind.end();
        }
    }

    pub(crate) fn has_loaded(&self, actor: Actor) -> bool {
        self.requests[&actor].has_loaded
    }

    /// Returns whether a commit is under way.
    pub(crate) fn is_committing(&self) -> bool {
        self.requests.values().any(|request| request.batch.is_some())
    }

    /// Returns whether the last commit went well.
    pub(crate) fn is_answered(&self, actor: Actor) -> bool {
        self.requests[&actor].answered
    }

    /// An operation failed, or its answer was lost; `removes` says which record it was to remove.
    pub(crate) fn fault(&mut self, actor: Actor, write: bool, removes: Option<&StoreKey>) {
        let request = self.request(actor);
        request.faults += 1;
        let Some(batch) = &mut request.batch else { return };
        batch.faults += 1;
        batch.uncertain |= write;
        let left_behind = removes.filter(|key| batch.created.contains(key)).cloned();
        self.left_behind.extend(left_behind);
    }
}
