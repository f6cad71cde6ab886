//! The model: what the engine promises, without a store, a clock's race or a retry.
//!
//! It is told every operation that took effect, in the order in which they did, and what every call of a handler
//! answered. From the operations it takes only *when* something happened; *what* should have happened it works out
//! by itself, one request after the other.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom::store::{Owner, OwnerKey, Record, StoreKey, Touch};
use cloakroom::{Clock, ErrorKind, ManualClock, Timestamp};

use crate::client::Told;
use crate::gate::Actor;
use crate::plan::{Fate, Found, Mind, Sid, Want};
use crate::script::Rules;
use crate::values::{Change, Values};

pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);
pub(crate) const GRACE: Duration = Duration::from_secs(10);
const TRAIL: Duration = Duration::from_secs(60 * 60);

impl Rules {
    pub(crate) fn absolute(self) -> Duration {
        if self.short_lives { IDLE + Duration::from_secs(300) } else { Duration::from_secs(12 * 3_600) }
    }
}

/// A session, dead or alive.
#[derive(Clone, Debug)]
struct Life {
    values: Values,
    owner: Option<Owner>,
    /// Counts the commits.
    number: u64,
    started_at: Timestamp,
    renewed_at: Timestamp,
    expires_at: Timestamp,
    end: Option<End>,
    /// The session that a log-in made this one of.
    parent: Option<Sid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Logged out, destroyed, revoked, or beyond the cap.
    Ended,
    /// A log-in made another session of it.
    Superseded,
}

/// What an id leads to.
#[derive(Clone, Debug)]
enum Place {
    Session(Sid),
    /// A record under an id that nobody knows yet.
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

/// What a handler is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    None,
    Load,
    Revoke,
}

/// One commit under way.
#[derive(Clone, Debug)]
struct Batch {
    began: Timestamp,
    /// The session that holds the changes, as this request knows it then, and what it took.
    applied: Option<(Found, Sent)>,
    /// The id that it made.
    made: Option<StoreKey>,
    /// This request removed the session's record.
    ended: bool,
    faults: usize,
    /// One of them was a write's, which may or may not have taken effect.
    uncertain: bool,
    /// What the request had decided when it began.
    planned: Fate,
    want: Want,
    /// What the record under the new id holds that nobody knows yet.
    pending: Option<(StoreKey, Sent)>,
    /// It removed the trail of a renewal.
    trail_removed: bool,
    /// What it tried to create, as it was sent first.
    created: HashMap<StoreKey, Sent>,
}

impl Batch {
    fn new(began: Timestamp, mind: &Mind) -> Self {
        let (planned, want) = (mind.fate, mind.want());
        let (applied, made, pending) = (None, None, None);
        let (ended, uncertain, trail_removed) = (false, false, false);
        let created = HashMap::new();
        Self {
            began,
            applied,
            made,
            ended,
            faults: 0,
            uncertain,
            planned,
            want,
            pending,
            trail_removed,
            created,
        }
    }
}

#[derive(Debug)]
struct Request {
    begun: Timestamp,
    /// The name that the cookie's id has in the store, if it is one of ours.
    cookie: Option<StoreKey>,
    call: Call,
    called: Timestamp,
    found: Option<Found>,
    /// How many records it has looked at in this call.
    looks: usize,
    mind: Mind,
    batch: Option<Batch>,
    /// The id that the response must tell, or that the cookie goes.
    told: Cookie,
    /// The id that it made last.
    made: Option<StoreKey>,
    loaded_at: Timestamp,
    has_loaded: bool,
    /// The id that it brought led somewhere, or had done so until a log-in.
    found_something: bool,
    /// How many commits the session had had when the request first saw it.
    first_seen: u64,
    /// The last commit went well.
    answered: bool,
    revoked_at: Timestamp,
    /// It removed the record of the session that it saw.
    ended: bool,
    /// An error left it open what is in the store.
    unsure: bool,
    faults: usize,
    /// The handler gave up, or its client did.
    pub(crate) failed: bool,
    /// Counts the operations up to its last one.
    last_operation: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Cookie {
    Unchanged,
    Set(StoreKey),
    Removed,
    /// The id, or nothing.
    Perhaps(StoreKey),
}

/// What a write carried when it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) changes: Vec<Change>,
    want: Want,
    pub(crate) owner: Option<Owner>,
    logged_in_at: Option<Timestamp>,
    pub(crate) fate: Fate,
    /// The flash values that go with it.
    ages: Option<u64>,
}

/// An operation that took effect, or found that it could not.
#[derive(Debug)]
pub(crate) enum Done<'a> {
    Load { touch: Option<Touch>, found: bool },
    Create { record: &'a Record, made: bool },
    Update { record: &'a Record, made: bool },
    Delete { found: bool },
    Revoke { owner: &'a OwnerKey, at: Timestamp },
    Nothing,
}

#[derive(Clone, Debug)]
pub(crate) struct SharedModel(Arc<Mutex<Model>>);

impl SharedModel {
    pub(crate) fn new(clock: ManualClock, rules: Rules) -> Self {
        Self(Arc::new(Mutex::new(Model { clock, rules, ..Model::default() })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    clock: ManualClock,
    rules: Rules,
    sessions: Vec<Life>,
    places: HashMap<StoreKey, Place>,
    /// Every key that ever had a record.
    used: HashSet<StoreKey>,
    revoked: HashMap<OwnerKey, Timestamp>,
    requests: HashMap<Actor, Request>,
    /// The ids that responses have told, and their names in the store.
    ids: HashMap<String, StoreKey>,
    /// The session that a key was made for.
    first_led_to: HashMap<StoreKey, Sid>,
    superseded_at: HashMap<StoreKey, u64>,
    operations: u64,
    pub(crate) violations: Vec<String>,
    pub(crate) trips: HashMap<Actor, usize>,
}

/// What a payload is; see `docs/wire.md`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Session,
    Renewed,
    Replaced,
}

fn kind(record: &Record) -> Kind {
    match record.payload.get(1) {
        Some(2) => Kind::Renewed,
        Some(3) => Kind::Replaced,
        _ => Kind::Session,
    }
}

/// # Requests
impl Model {
    pub(crate) fn violation(&mut self, actor: Actor, what: impl std::fmt::Display) {
        self.violations.push(format!("r{actor}: {what}"));
    }

    pub(crate) fn begin(&mut self, actor: Actor, id: Option<&str>) {
        let now = self.clock.now();
        let request = Request {
            begun: now,
            cookie: id.and_then(|id| self.ids.get(id).cloned()),
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
            last_operation: 0,
        };
        self.requests.insert(actor, request);
    }

    fn request(&mut self, actor: Actor) -> &mut Request {
        self.requests.get_mut(&actor).expect("requests begin before they act")
    }

    /// What the handler changes, so that the model changes it too.
    pub(crate) fn mind(&mut self, actor: Actor) -> &mut Mind {
        &mut self.request(actor).mind
    }

    /// Whether what the handler reads can be foretold: not while a save is under way, or has failed.
    pub(crate) fn is_sure(&mut self, actor: Actor) -> bool {
        !self.request(actor).unsure && self.request(actor).batch.is_none()
    }

    /// The handler gave up, its client went away, or its store is lost.
    pub(crate) fn fail(&mut self, actor: Actor) {
        if let Some(request) = self.requests.get_mut(&actor) {
            request.failed = true;
        }
    }

    /// The client went away in the middle of whatever it was.
    pub(crate) fn is_left(&mut self, actor: Actor) {
        if let Some(request) = self.requests.get_mut(&actor) {
            (request.failed, request.call) = (true, Call::None);
        }
    }

    pub(crate) fn clock(&self) -> &ManualClock {
        &self.clock
    }

    pub(crate) fn has_loaded(&self, actor: Actor) -> bool {
        self.requests[&actor].has_loaded
    }

    /// Whether somebody is in the middle of a commit.
    pub(crate) fn is_committing(&self) -> bool {
        self.requests.values().any(|request| request.batch.is_some())
    }

    /// Whether the last commit went well.
    pub(crate) fn is_answered(&self, actor: Actor) -> bool {
        self.requests[&actor].answered
    }

    pub(crate) fn fault(&mut self, actor: Actor, write: bool) {
        let request = self.request(actor);
        request.faults += 1;
        if let Some(batch) = &mut request.batch {
            batch.faults += 1;
            batch.uncertain |= write;
        }
    }

    /// The handler calls something that looks into the store.
    pub(crate) fn call(&mut self, actor: Actor, call: Call) {
        let now = self.clock.now();
        let request = self.request(actor);
        (request.call, request.called, request.found, request.looks) = (call, now, None, 0);
    }

    /// The first load has ended well.
    pub(crate) fn loaded(&mut self, actor: Actor) {
        let request = self.request(actor);
        let place = request.found.take().unwrap_or(Found::Absent);
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
            None if request.mind.stored().is_some() => self.violation(actor, "nobody looked for the session"),
            None => {}
        }
    }

    fn know(&mut self, actor: Actor, place: Found) {
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

    /// All other sessions of the user have been ended; this one, and a log-in of this request, is dated after that.
    pub(crate) fn spared(&mut self, actor: Actor) {
        let stored = match &self.requests[&actor].mind.place {
            Found::Session { sid, .. } => self.sessions[*sid].owner.clone(),
            Found::Absent | Found::Closed => None,
        };
        let Some(owner) = self.requests[&actor].mind.owner.clone() else { return };
        let since = owner.since.max(self.requests[&actor].revoked_at + Duration::from_micros(1));
        let mind = &mut self.request(actor).mind;
        mind.owner = Some(Owner { since, ..owner });
        if let Found::Session { owner, .. } = &mut mind.place {
            *owner = stored;
        }
    }

    /// The session that a request has seen, to load it again.
    fn start_of_look(&self, actor: Actor) -> Option<StoreKey> {
        let request = &self.requests[&actor];
        match &request.mind.place {
            Found::Session { key, .. } => Some(key.clone()),
            _ => request.cookie.clone(),
        }
    }

    /// Where a key leads for a request that began at `begun`.
    fn look(&self, key: &StoreKey, begun: Timestamp, called: Timestamp) -> Found {
        self.look_on(key, begun, called, 3)
    }

    /// The same, for one that may look at only so many records more.
    fn look_on(&self, key: &StoreKey, begun: Timestamp, called: Timestamp, most: usize) -> Found {
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

    /// What is under a key now.
    fn live(&self, key: &StoreKey) -> Option<&Place> {
        let now = self.clock.now();
        self.places.get(key).filter(|place| match place {
            Place::Session(sid) => now < self.sessions[*sid].expires_at,
            Place::Pending { expires_at, .. } | Place::Trail { expires_at, .. } => now < *expires_at,
        })
    }

    fn is_alive(&self, sid: Sid) -> bool {
        self.sessions[sid].end.is_none() && self.clock.now() < self.sessions[sid].expires_at
    }
}

/// # Operations
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
            (Done::Delete { found: true }, Some(key)) => self.delete(actor, key),
            _ => {}
        }
    }

    fn load(&mut self, actor: Actor, key: &StoreKey, touch: Option<Touch>, found: bool) {
        if found != self.live(key).is_some() {
            self.violation(actor, "the store and the model disagree on what there is");
        }
        if let (Some(touch), Some(Place::Session(sid))) = (touch, self.live(key).cloned()) {
            let life = &mut self.sessions[sid];
            if life.expires_at < touch.due_before && life.expires_at < touch.expires_at {
                life.expires_at = touch.expires_at;
            }
        }
        let request = &self.requests[&actor];
        if request.call == Call::Load {
            let (begun, called) = (request.begun, request.called);
            let most = 3 - request.looks.min(3);
            let mut result = self.look_on(key, begun, called, most);
            if let (Found::Session { late, .. }, Some(start)) = (&mut result, self.start_of_look(actor)) {
                *late |= start != *key;
            }
            let request = self.request(actor);
            request.looks += usize::from(found);
            request.found = Some(result);
        } else if let Some(Place::Session(sid)) = self.live(key) {
            let seen = self.seen(*sid, key, false);
            self.see_again(actor, seen);
        }
    }

    /// A session as whoever reads or writes it now knows it.
    fn seen(&self, sid: Sid, key: &StoreKey, late: bool) -> Found {
        let life = &self.sessions[sid];
        let (values, owner) = (life.values.clone(), life.owner.clone());
        Found::Session { sid, key: key.clone(), late, values, number: life.number, owner }
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

    fn create(&mut self, actor: Actor, key: &StoreKey, sent: &Sent, record: &Record) {
        if kind(record) == Kind::Replaced {
            // A tombstone is put back where it was taken away by mistake: it leads nowhere and lives no longer.
            let expires_at = record.expires_at;
            let place = Place::Trail { to: None, grace_until: expires_at - TRAIL + GRACE, expires_at };
            self.places.insert(key.clone(), place);
            return;
        }
        if self.is_own_that_expired(actor, key) {
            return;
        }
        if !self.used.insert(key.clone()) {
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
        let sid = self.begin_session(actor, sent, Values::new(), 0);
        self.hand_over(actor, key, sid, sent);
    }

    fn holds_ready(&mut self, actor: Actor, key: &StoreKey, sent: &Sent) {
        if let Some(batch) = &mut self.request(actor).batch {
            batch.pending = Some((key.clone(), sent.clone()));
        }
    }

    /// The answer was lost, and a session that began when this request did is over by now: it is made once more.
    fn is_own_that_expired(&self, actor: Actor, key: &StoreKey) -> bool {
        let Some(batch) = &self.requests[&actor].batch else { return false };
        let pending = batch.pending.as_ref().map(|(key, _)| key);
        (batch.made.as_ref() == Some(key) || pending == Some(key)) && self.live(key).is_none()
    }

    /// A new session with this request's changes on top of `values`.
    fn begin_session(&mut self, actor: Actor, sent: &Sent, mut values: Values, number: u64) -> Sid {
        let began = self.began(actor);
        let number = number + 1;
        let request = &self.requests[&actor];
        sent.run(&mut values, number);
        let started_at = sent.logged_in_at.unwrap_or(request.loaded_at);
        let expires_at = (began + IDLE).min(started_at + self.rules.absolute());
        let owner = sent.owner.clone();
        let parent = match self.requests[&actor].mind.place {
            Found::Session { sid, .. } if sent.fate == Fate::LogIn => Some(sid),
            _ => None,
        };
        self.sessions.push(Life {
            values,
            owner,
            number,
            started_at,
            renewed_at: began,
            expires_at,
            end: None,
            parent,
        });
        self.sessions.len() - 1
    }

    /// The key leads to the session, and this request will tell its client.
    fn hand_over(&mut self, actor: Actor, key: &StoreKey, sid: Sid, sent: &Sent) {
        self.places.insert(key.clone(), Place::Session(sid));
        self.apply_once(actor, self.seen(sid, key, false), sent);
        self.made(actor, key);
    }

    fn made(&mut self, actor: Actor, key: &StoreKey) {
        if let Some(Place::Session(sid)) = self.places.get(key) {
            self.first_led_to.insert(key.clone(), *sid);
        }
        let request = self.request(actor);
        request.made = Some(key.clone());
        if let Some(batch) = &mut request.batch {
            batch.made = Some(key.clone());
        }
    }

    fn began(&self, actor: Actor) -> Timestamp {
        self.requests[&actor].batch.as_ref().map_or_else(|| self.clock.now(), |batch| batch.began)
    }

    fn apply_once(&mut self, actor: Actor, seen: Found, sent: &Sent) {
        let Some(batch) = &mut self.request(actor).batch else {
            return self.violation(actor, "wrote although nothing was to be saved");
        };
        if batch.applied.replace((seen, sent.clone())).is_some() {
            self.violation(actor, "the same changes were stored twice");
        }
    }

    fn update(&mut self, actor: Actor, key: &StoreKey, sent: &Sent, record: &Record) {
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

    fn write_through(&mut self, actor: Actor, key: &StoreKey, sid: Sid, sent: &Sent, record: &Record) {
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
    fn pending(&self, actor: Actor) -> Option<(StoreKey, Option<Owner>)> {
        self.places.iter().find_map(|(key, place)| match place {
            Place::Pending { by, owner, .. } if *by == actor => Some((key.clone(), owner.clone())),
            _ => None,
        })
    }

    fn leave(&mut self, actor: Actor, key: &StoreKey, to: Option<StoreKey>) {
        let began = self.began(actor);
        let place = Place::Trail { to, grace_until: began + GRACE, expires_at: began + TRAIL };
        self.places.insert(key.clone(), place);
        self.superseded_at.insert(key.clone(), self.operations);
    }

    fn renew(&mut self, actor: Actor, key: &StoreKey, sid: Sid) {
        let ready = self.request(actor).batch.as_ref().and_then(|batch| batch.pending.clone());
        let (Some((to, owner)), Some((_, sent))) = (self.pending(actor), ready) else {
            return self.violation(actor, "left a trail to nowhere");
        };
        // What counts is what the new record holds.
        let sent = &sent;
        let record = Record { owner, ..Record::new("", Timestamp::NEVER) };
        self.write_through(actor, &to, sid, sent, &record);
        self.sessions[sid].renewed_at = self.began(actor);
        self.leave(actor, key, Some(to.clone()));
        self.places.insert(to.clone(), Place::Session(sid));
        if let Some(Batch { applied: Some((Found::Session { late, .. }, _)), .. }) =
            &mut self.request(actor).batch
        {
            *late = false;
        }
        self.made(actor, &to);
    }

    fn supersede(&mut self, actor: Actor, key: &StoreKey, sid: Sid) {
        let ready = self.request(actor).batch.as_ref().and_then(|batch| batch.pending.clone());
        let Some((_, sent)) = ready else {
            return self.violation(actor, "left a tombstone, and there never was a new session");
        };
        let sent = &sent;
        if sent.fate != Fate::LogIn {
            self.violation(actor, "left a tombstone although nobody logged in");
        }
        let old = self.sessions[sid].clone();
        self.sessions[sid].end = Some(End::Superseded);
        self.leave(actor, key, None);
        let Some((to, _)) = self.pending(actor) else { return self.supersede_by_nothing(actor, sent, old) };
        let new = self.begin_session(actor, sent, old.values, old.number);
        self.hand_over(actor, &to, new, sent);
    }

    /// Between the creation of the new record and the tombstone in the old one, the user's other sessions were ended
    /// from this very session: the log-in had begun before that, so it is dead, and nobody could know it in time.
    fn supersede_by_nothing(&mut self, actor: Actor, sent: &Sent, old: Life) {
        let revoked = self.is_revoked(sent.owner.as_ref());
        let Some((key, _)) = self.request(actor).batch.as_ref().and_then(|batch| batch.pending.clone())
        else {
            return self.violation(actor, "left a tombstone, and there never was a new session");
        };
        if !revoked {
            self.violation(actor, "left a tombstone, and the new session is gone");
        }
        let new = self.begin_session(actor, sent, old.values, old.number);
        self.sessions[new].end = Some(End::Ended);
        self.apply_once(actor, self.seen(new, &key, false), sent);
        self.made(actor, &key);
    }

    fn is_revoked(&self, owner: Option<&Owner>) -> bool {
        owner.is_some_and(|owner| self.revoked.get(&owner.key).is_some_and(|at| owner.since <= *at))
    }

    fn delete(&mut self, actor: Actor, key: &StoreKey) {
        match self.places.remove(key) {
            Some(Place::Session(sid)) => {
                let cap = self.rules.cap.is_some();
                self.sessions[sid].end = Some(End::Ended);
                let request = self.request(actor);
                let own = request.mind.fate == Fate::End
                    && matches!(request.mind.place, Found::Session { sid: own, .. } if own == sid);
                // A session that nobody was told of, because the request could not learn whether it was stored.
                let taken_back = request.made.as_ref() == Some(key);
                request.ended |= own;
                if let Some(batch) = request.batch.as_mut().filter(|_| own) {
                    batch.ended = true;
                }
                if !own && !taken_back && !cap && !self.is_one_ending() {
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
                if let Some(batch) = &mut self.request(actor).batch {
                    batch.trail_removed = true;
                }
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

    fn revoke(&mut self, owner: &OwnerKey, at: Timestamp) {
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
}

/// The session of this request is gone: nothing can be written, and the client must not hear of its id.
fn request_closed(request: &mut Request) {
    request.mind.closed();
    if request.told != Cookie::Removed {
        request.told = Cookie::Unchanged;
    }
}

impl Sent {
    /// What commit `number` makes of the values.
    fn run(&self, values: &mut Values, number: u64) {
        if let Some(up_to) = self.ages {
            values.retain(|_, held| held.flash.is_none_or(|born| born > up_to));
        }
        self.changes.iter().for_each(|change| change.run(values, number));
    }
}

/// # Answers
impl Model {
    /// A commit has ended; `dropped` says whether the engine said that it dropped something.
    pub(crate) fn finish(&mut self, actor: Actor, result: Result<(), ErrorKind>, dropped: bool) {
        let batch = self.request(actor).batch.take();
        let batch = batch.unwrap_or_else(|| Batch::new(self.clock.now(), &self.requests[&actor].mind));
        self.request(actor).answered = result.is_ok();
        match result {
            Ok(()) | Err(ErrorKind::Gone) if dropped => self.finish_dropped(actor, &batch),
            Ok(()) => self.finish_kept(actor, batch),
            Err(kind) => self.finish_failed(actor, &batch, kind),
        }
    }

    fn finish_dropped(&mut self, actor: Actor, batch: &Batch) {
        let request = &self.requests[&actor];
        let lives = match request.mind.place {
            Found::Session { sid, .. } => self.is_alive(sid) && !self.is_one_ending(),
            Found::Absent | Found::Closed => false,
        };
        let logs_in = request.mind.fate == Fate::LogIn;
        let revoked = self.is_revoked(request.mind.owner.as_ref());
        let (unsure, ends) = (request.unsure, request.mind.fate == Fate::End);
        // If an answer was lost and the session is gone, nobody can tell any more whether the write came before its end.
        if batch.applied.is_some() && batch.faults == 0 {
            self.violation(actor, "said that changes were dropped which are in the store");
        }
        let logs_in = logs_in && batch.planned == Fate::LogIn;
        let absolute = self.rules.absolute();
        let logged_in_at = self.requests[&actor].mind.logged_in_at;
        let too_late = logged_in_at.is_some_and(|at| self.clock.now() >= at + absolute);
        if logs_in && !revoked && !unsure && !too_late {
            self.violation(actor, "dropped a log-in although the user was not revoked");
        }
        if logs_in && (lives || batch.pending.is_none()) {
            // The log-in is dropped, and the session that it was made from stays as it is, for all that this one knows.
            return self.request(actor).mind.discard();
        }
        self.request(actor).unsure |= logs_in;
        if lives && !ends {
            self.violation(actor, "dropped changes although the session lives");
        }
        let request = self.request(actor);
        if batch.ended {
            request.told = Cookie::Removed;
        }
        match request.mind.fate {
            Fate::End if batch.planned != Fate::End => {}
            Fate::LogIn if batch.planned != Fate::LogIn => request.mind.log_in_without_a_past(),
            _ => request_closed(request),
        }
    }

    fn finish_failed(&mut self, actor: Actor, batch: &Batch, kind: ErrorKind) {
        let overtaken = self.requests[&actor].mind.fate != batch.planned;
        if overtaken && matches!(kind, ErrorKind::Gone | ErrorKind::Contended) {
            // The handler has decided otherwise while it saved; what it saved goes with what it decided.
            if batch.applied.is_some() {
                self.violation(actor, "said that it had not saved what is in the store");
            }
            return;
        }
        if kind != ErrorKind::Unavailable {
            self.violation(actor, format!("failed with {kind:?}"));
        } else if batch.faults == 0 {
            self.violation(actor, "failed although the store did not");
        }
        let request = self.request(actor);
        request.unsure = true;
        if let Some((_, sent)) = &batch.applied {
            request.mind.forget(sent);
        }
    }

    fn finish_kept(&mut self, actor: Actor, mut batch: Batch) {
        let want = batch.want;
        if want == Want::LogIn && batch.applied.is_none() {
            self.log_in_without_a_past(actor, &mut batch);
        }
        let missed = self.requests[&actor].mind.would_be_missed();
        let done = match want {
            Want::Nothing => batch.applied.is_none() && !batch.ended,
            Want::Drop => false,
            // Flash values only age, or only the id is renewed: if the session has ended, nobody misses it.
            Want::Update | Want::Renew => batch.applied.is_some() || !missed,
            Want::Create | Want::LogIn => batch.applied.is_some(),
            Want::End => self.has_ended(actor, &batch),
            Want::EndAndCreate => self.has_ended(actor, &batch) && batch.applied.is_some(),
        };
        if !done && !self.requests[&actor].unsure {
            self.violation(actor, format!("acknowledged {want:?}, which is not in the store"));
        }
        self.take_note(actor, want, batch);
    }

    /// Whether a log-out has removed the trail of a renewal, and is about to remove the session that it led to.
    fn is_one_ending(&self) -> bool {
        self.requests.values().any(|request| request.batch.as_ref().is_some_and(|batch| batch.trail_removed))
    }

    /// The session that a request wanted to end is dead, whoever ended it. One exception is known: if the answer to
    /// removing a trail is lost, nothing leads to an anonymous session any more, which then lives until it expires.
    fn has_ended(&self, actor: Actor, batch: &Batch) -> bool {
        match self.requests[&actor].mind.place {
            Found::Session { sid, .. } => {
                let anonymous = self.sessions[sid].owner.is_none();
                !self.is_alive(sid)
                    || anonymous && (self.is_one_ending() || batch.trail_removed && batch.faults > 0)
            }
            Found::Absent | Found::Closed => true,
        }
    }

    /// The session that the user logged in from has ended meanwhile: only what this request wrote is in the new one.
    fn log_in_without_a_past(&mut self, actor: Actor, batch: &mut Batch) {
        let Some((key, _)) = self.pending(actor) else { return };
        let Some((_, sent)) = batch.pending.clone() else { return };
        if let Found::Session { sid, .. } = self.requests[&actor].mind.place
            && self.is_alive(sid)
            && !self.is_one_ending()
        {
            self.violation(actor, "left the old session alive beside the log-in");
        }
        self.request(actor).batch = Some(batch.clone());
        let number = match &self.requests[&actor].mind.place {
            Found::Session { number, .. } => *number,
            _ => 0,
        };
        let sid = self.begin_session(actor, &sent, Values::new(), number);
        self.hand_over(actor, &key, sid, &sent);
        *batch = self.request(actor).batch.take().expect("it was just put there");
    }

    /// What the request knows after a commit that went well.
    fn take_note(&mut self, actor: Actor, want: Want, batch: Batch) {
        let end = match self.requests[&actor].mind.place {
            Found::Session { sid, .. } if !self.is_alive(sid) => self.sessions[sid].end.or(Some(End::Ended)),
            _ => None,
        };
        let request = self.request(actor);
        // The write went in and the session ended, and the answer that came between them was lost.
        request.unsure |= batch.uncertain && end.is_some();
        if matches!(want, Want::End | Want::EndAndCreate) {
            request.mind.ended();
            let by_another = !batch.ended && !batch.uncertain;
            if by_another || end == Some(End::Superseded) {
                request.mind.log_in_without_a_past();
                if request.mind.fate != Fate::LogIn {
                    request_closed(request);
                }
            } else {
                request.told = Cookie::Removed;
                // If an answer was lost, nobody can tell whether another request was faster.
                request.ended = true;
            }
        }
        match batch.applied {
            Some((place, mut sent)) => {
                if want == Want::EndAndCreate {
                    // The end is done; what is in the store is the session after it.
                    sent.fate = request.mind.fate;
                }
                request.mind.landed(place, &sent);
            }
            None if matches!(want, Want::Update | Want::Renew) => self.settle_unwritten(actor, end.is_some()),
            None => {}
        }
        match batch.made {
            // An answer was lost, and the id is dead by now: if the request looked again, its client must not hear of it.
            Some(made) if batch.faults > 0 && !matches!(self.places.get(&made), Some(Place::Session(_))) => {
                self.request(actor).told = Cookie::Perhaps(made);
            }
            Some(made) => self.request(actor).told = Cookie::Set(made),
            None => {}
        }
    }

    /// Nothing had to be written after all: the session has ended, or another request has just renewed its id.
    fn settle_unwritten(&mut self, actor: Actor, ended: bool) {
        let request = &self.requests[&actor];
        match request.mind.place.clone() {
            Found::Session { key, .. } if !ended => {
                match self.look(&key, request.begun, self.clock.now()) {
                    found @ Found::Session { .. } => self.request(actor).mind.renewed_by_another(found),
                    // A log-out has begun, and taken the trail away.
                    Found::Absent | Found::Closed => request_closed(self.request(actor)),
                }
            }
            _ => {
                request_closed(self.request(actor));
            }
        }
    }

    /// The response is told to the client, whose cookie was `before` until now.
    pub(crate) fn tell(&mut self, actor: Actor, told: &Told, before: Option<&str>) {
        let expected = self.requests[&actor].told.clone();
        match (told, &expected) {
            (Told::Nothing, Cookie::Unchanged | Cookie::Perhaps(_)) | (Told::Removed, Cookie::Removed) => {}
            (Told::Set(id), Cookie::Set(key) | Cookie::Perhaps(key)) => {
                if self.ids.insert(id.clone(), key.clone()).is_some() {
                    self.violation(actor, "told an id that was told before");
                }
            }
            (Told::Set(id), _) if self.requests[&actor].unsure => {
                if let Some(made) = self.requests[&actor].made.clone() {
                    self.ids.insert(id.clone(), made);
                }
            }
            _ if self.requests[&actor].unsure => {}
            (Told::Removed, _) => {
                self.violation(actor, "removed the cookie of a session that it did not end");
            }
            _ => self.violation(actor, format!("told the client {told:?} instead of {expected:?}")),
        }
        self.must_not_log_out(actor, told, before);
    }

    /// A late response never logs anyone out.
    fn must_not_log_out(&mut self, actor: Actor, told: &Told, before: Option<&str>) {
        let now = self.clock.now();
        let request = &self.requests[&actor];
        let was = before.and_then(|id| self.ids.get(id)).map(|key| self.look(key, now, now));
        let Some(Found::Session { sid: was, owner: Some(_), .. }) = was else { return };
        let (is, made_in_time) = match told {
            Told::Nothing => return,
            Told::Removed => (None, true),
            Told::Set(id) => {
                let Some(key) = self.ids.get(id) else { return };
                let since = self.superseded_at.get(key);
                let found = self.look(key, now, now);
                (Some(found), since.is_none_or(|since| *since <= request.last_operation))
            }
        };
        let still_in = match is {
            Some(Found::Session { sid, owner, .. }) => sid == was || owner.is_some(),
            _ => false,
        };
        // A request that brought nothing, or the id of a session that had ended, may begin a session of its own; so may
        // one that ended its session, and what a log-in at the same moment means is for the user to say.
        let family = self.is_of_the_family(was, request.cookie.as_ref());
        if !still_in && family && request.found_something && !request.ended && made_in_time && !request.unsure
        {
            self.violation(actor, "a late response logged the user out");
        }
    }
}

impl Model {
    /// Whether the session was made, perhaps by log-ins, of the one that this key was made for.
    fn is_of_the_family(&self, sid: Sid, key: Option<&StoreKey>) -> bool {
        let Some(elder) = key.and_then(|key| self.first_led_to.get(key)) else { return false };
        let mut line = std::iter::successors(Some(sid), |sid| self.sessions[*sid].parent);
        line.any(|sid| sid == *elder)
    }
}

/// # In the end
impl Model {
    /// Whether a client went away, or a store was lost for good.
    pub(crate) fn has_failed(&self) -> bool {
        self.requests.values().any(|request| request.failed)
    }

    /// When the user logged in, each time that it came to a session.
    pub(crate) fn log_ins_of(&self, user: &str) -> Vec<Timestamp> {
        let owned = self.sessions.iter().filter_map(|life| life.owner.as_ref());
        owned.filter(|owner| owner.key.as_bytes() == user.as_bytes()).map(|owner| owner.since).collect()
    }

    /// Every key that ever had a record.
    pub(crate) fn all_keys(&self) -> Vec<StoreKey> {
        self.used.iter().cloned().collect()
    }

    /// All ids that any client ever heard of.
    pub(crate) fn all_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.ids.keys().cloned().collect();
        ids.sort();
        ids
    }

    /// Records with an owner that no id leads to, unless their request failed before it could tell.
    pub(crate) fn look_for_orphans(&mut self, live: impl Fn(&StoreKey) -> bool) {
        let told: HashSet<&StoreKey> = self.ids.values().collect();
        let mut orphans = Vec::new();
        for (key, place) in &self.places {
            match place {
                Place::Pending { by, .. } if live(key) => {
                    orphans.push((*by, "left a record that no id leads to"));
                }
                Place::Session(sid) if live(key) && self.sessions[*sid].owner.is_some() => {
                    let led_to = told.contains(key)
                        || self.places.iter().any(|(from, place)| {
                            matches!(place, Place::Trail { to: Some(to), .. } if to == key)
                                && told.contains(from)
                        });
                    if !led_to {
                        let made = |request: &Request| request.told == Cookie::Set(key.clone());
                        let by =
                            self.requests.iter().find(|(_, request)| made(request)).map(|(actor, _)| *actor);
                        orphans.push((by.unwrap_or_default(), "left a user's session that no id leads to"));
                    }
                }
                _ => {}
            }
        }
        for (actor, what) in orphans {
            let excused = self.requests.values().any(|request| request.failed);
            if !excused {
                self.violation(actor, what);
            }
        }
    }

    /// Whether every record that the model has is in the store, and no other.
    pub(crate) fn compare(&mut self, live: impl Fn(&StoreKey) -> bool) {
        let wrong = self.used.iter().filter(|key| live(key) != self.live(key).is_some()).count();
        if wrong > 0 {
            self.violations.push(format!("{wrong} records are there or missing against the model"));
        }
    }
}
