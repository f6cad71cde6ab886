//! Runs a case: requests against the engine, and everything that happens against the model.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloakroom::store::Store;
use cloakroom::stores::MemoryStore;
use cloakroom::{
    Clock, Config, Engine, ErrorKind, Event, ManualClock, Outcome, Pending, Plain, Random, Session,
    SessionInfo, Timestamp,
};
use cloakroom_conformance::Reference;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::client::{Jar, Told};
use crate::gate::{Actor, Gate, Point, Verdict};
use crate::plan::owner;
use crate::script::{Case, Rules, Script, Step};
use crate::spec::{Call, IDLE, SharedModel};
use crate::store::Gated;
use crate::values::{Change, grow};

/// Decides what happens next.
pub(crate) trait Choices {
    /// A number below `many`, which is at least 1.
    fn choose(&mut self, many: usize) -> usize;
}

/// Always the same ids, so that a run can be repeated.
#[derive(Debug)]
struct Seeded(AtomicU64);

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> cloakroom::Result<()> {
        for chunk in bytes.chunks_mut(8) {
            let mut mixed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// A store, a browser, and the model beside them.
pub(crate) struct World {
    rules: Rules,
    clock: ManualClock,
    store: Arc<dyn Store>,
    gate: Gate,
    pub(crate) model: SharedModel,
    jar: Arc<Mutex<Jar>>,
    actors: Actor,
}

/// One request under way.
struct Running {
    actor: Actor,
    task: JoinHandle<()>,
    request: Request,
    gone: bool,
}

/// What a request needs to run.
#[derive(Clone)]
struct Request {
    actor: Actor,
    script: Arc<Script>,
    model: SharedModel,
    gate: Gate,
    jar: Arc<Mutex<Jar>>,
    engine: Engine,
    /// Whether the engine has said that it dropped something.
    dropped: Arc<AtomicBool>,
    waits_to_be_sent: bool,
    pauses: bool,
    pending: Arc<Mutex<Option<Pending>>>,
}

impl World {
    pub(crate) fn new(rules: Rules) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_767_225_600_000));
        let store: Arc<dyn Store> = if rules.memory_store {
            Arc::new(MemoryStore::builder().clock(clock.clone()).build())
        } else {
            Arc::new(Reference::new(clock.clone()))
        };
        let (gate, jar) = (Gate::default(), Arc::default());
        let model = SharedModel::new(clock.clone(), rules);
        Self { rules, clock, store, gate, model, jar, actors: 0 }
    }

    fn config(&self, actor: Actor, dropped: Arc<AtomicBool>) -> Config {
        Config::plain_http()
            .idle(IDLE)
            .absolute(self.rules.absolute())
            .renew_every(self.rules.renew_every.map(Duration::from_secs))
            .sessions_per_user(self.rules.cap)
            .sweep_every(None)
            .clock(self.clock.clone())
            .random(Seeded(AtomicU64::new((actor as u64).wrapping_mul(0x1234_5678_9abc_def1))))
            .observer(move |event: &Event| {
                if *event == Event::WriteDropped {
                    dropped.store(true, Ordering::Relaxed);
                }
            })
    }

    fn request(&mut self, script: &Script, waits_to_be_sent: bool) -> Request {
        self.actors += 1;
        let actor = self.actors;
        let (gate, model) = (self.gate.clone(), self.model.clone());
        let store = Gated { actor, store: self.store.clone(), gate: gate.clone(), model: model.clone() };
        let dropped = Arc::new(AtomicBool::new(false));
        let config = self.config(actor, dropped.clone());
        let engine = Engine::new(store, config).expect("the configuration works");
        let pauses = script.contains(&Step::SaveBehind);
        let script = Arc::new(script.clone());
        let (jar, pending) = (self.jar.clone(), Arc::default());
        Request { actor, script, model, gate, jar, engine, dropped, waits_to_be_sent, pauses, pending }
    }

    /// Runs requests one after the other, with nobody else about.
    async fn run_alone(&mut self, scripts: &[Script]) {
        self.gate.open();
        for script in scripts {
            self.clock.advance(Duration::from_micros(1));
            let request = self.request(script, false);
            request.send();
            request.run().await;
        }
        self.gate.close();
    }

    /// Runs a whole case; the error says what went wrong, and how.
    pub(crate) async fn run(case: &Case, choices: &mut dyn Choices) -> Result<Self, String> {
        let mut world = Self::new(case.rules);
        world.run_alone(&case.before).await;
        let mut running: Vec<Running> = Vec::new();
        for script in &case.requests {
            let request = world.request(script, case.sent_one_by_one);
            if !case.sent_one_by_one {
                request.send();
            }
            running.push(Running::start(request));
        }
        for script in &case.strangers {
            let request = Request { jar: Arc::default(), ..world.request(script, false) };
            request.send();
            running.push(Running::start(request));
        }
        world.drive(case, &mut running, choices).await;
        world.look_around().await;
        world.verdict(case)
    }

    async fn drive(&mut self, case: &Case, running: &mut [Running], choices: &mut dyn Choices) {
        let mut faults = case.faults;
        let mut drops = case.drops;
        let mut leaps = case.leaps.clone();
        let mut patience = 0;
        loop {
            settle().await;
            self.clock.advance(Duration::from_micros(1));
            let waiting = self.gate.waiting();
            let busy = running.iter().filter(|one| !one.task.is_finished()).count();
            if waiting.is_empty() {
                if busy == 0 && patience > 2 {
                    break;
                }
                // Somebody waits for time to pass, or a commit whose client is gone goes on.
                tokio::time::sleep(Duration::from_millis(if busy == 0 { 600 } else { 100 })).await;
                patience += 1;
                if patience > 1_000 {
                    self.model.lock().violations.push("a request never ends".into());
                    return;
                }
                continue;
            }
            patience = 0;
            // No commit lasts for minutes, but a request may.
            let committing = self.model.lock().is_committing();
            let possible: Vec<u64> = leaps.iter().copied().filter(|leap| !committing || *leap < 60).collect();
            let moves = moves(&waiting, running, faults, drops, &possible, busy);
            match moves[choices.choose(moves.len())] {
                Move::Let(place, verdict) => {
                    faults -= usize::from(verdict != Verdict::Go);
                    self.gate.release(place, verdict);
                }
                Move::LoseStore(place, verdict) => {
                    faults = 0;
                    let actor = waiting[place].0;
                    self.gate.release(place, verdict);
                    self.gate.take_down(actor);
                    self.model.lock().fail(actor);
                }
                Move::Leave(one) => {
                    drops -= 1;
                    running[one].leave();
                }
                Move::Leap(place) => {
                    self.gate.note(0, "the clock leaps", "");
                    let at = leaps.iter().position(|leap| *leap == possible[place]).unwrap_or_default();
                    self.clock.advance(Duration::from_secs(leaps.remove(at)));
                }
                Move::Sleep => tokio::time::sleep(Duration::from_millis(600)).await,
            }
        }
        for one in running {
            if let Err(error) = (&mut one.task).await
                && error.is_panic()
            {
                let panic = error.into_panic();
                let words = panic.downcast_ref::<String>().cloned();
                let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
                self.model.lock().violation(one.actor, format!("panicked: {}", words.unwrap_or_default()));
            }
        }
    }

    /// Asks with every id that was ever told what it leads to, now and when no old id is excused any more.
    async fn look_around(&mut self) {
        let before = self.jar.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for leap in [0, 11] {
            self.clock.advance(Duration::from_secs(leap));
            self.check_records().await;
            let ids = self.model.lock().all_ids();
            for id in ids {
                self.jar.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(id);
                self.run_alone(&[vec![Step::ReadAll]]).await;
            }
        }
        *self.jar.lock().unwrap_or_else(PoisonError::into_inner) = before;
    }

    async fn check_records(&self) {
        let keys = self.model.lock().all_keys();
        let mut live = std::collections::HashSet::new();
        for key in keys {
            if self.store.load(&key, None).await.expect("the store itself is well").is_some() {
                live.insert(key);
            }
        }
        let mut model = self.model.lock();
        model.compare(|key| live.contains(key));
        model.look_for_orphans(|key| live.contains(key));
    }

    fn verdict(self, case: &Case) -> Result<Self, String> {
        let violations = std::mem::take(&mut self.model.lock().violations);
        if violations.is_empty() {
            return Ok(self);
        }
        let story = self.gate.story();
        Err(format!("\n{}\n{case}\n{story}", violations.join("\n")))
    }

    /// The sessions of a user, through the engine.
    pub(crate) async fn sessions_of(&mut self, user: &str) -> Vec<SessionInfo> {
        let request = self.request(&vec![], false);
        request.send();
        self.gate.open();
        request.engine.sessions().list(user).await.expect("the store itself is well")
    }

    /// The course of events.
    pub(crate) fn story(&self) -> String {
        self.gate.story()
    }

    /// How many trips to the store the request took.
    pub(crate) fn trips(&self, actor: Actor) -> usize {
        self.model.lock().trips.get(&actor).copied().unwrap_or(0)
    }
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Let(usize, Verdict),
    /// Not only this operation fails, but all that follow.
    LoseStore(usize, Verdict),
    Leave(usize),
    Leap(usize),
    /// Whoever waits for time to pass goes first.
    Sleep,
}

/// All that can happen next.
fn moves(
    waiting: &[(Actor, Point)],
    running: &[Running],
    faults: usize,
    drops: usize,
    leaps: &[u64],
    busy: usize,
) -> Vec<Move> {
    let mut moves = Vec::new();
    for (place, (_, point)) in waiting.iter().enumerate() {
        moves.push(Move::Let(place, Verdict::Go));
        if faults > 0 && matches!(point, Point::Look | Point::Write) {
            moves.push(Move::Let(place, Verdict::Fail));
            moves.push(Move::LoseStore(place, Verdict::Fail));
        }
        if faults > 0 && *point == Point::Write {
            moves.push(Move::Let(place, Verdict::Lose));
            moves.push(Move::Let(place, Verdict::Hold));
            moves.push(Move::LoseStore(place, Verdict::Lose));
        }
    }
    if drops > 0 {
        let here = |one: &Running| !one.gone && !one.task.is_finished();
        moves.extend((0..running.len()).filter(|one| here(&running[*one])).map(Move::Leave));
    }
    moves.extend((0..leaps.len()).map(Move::Leap));
    if waiting.iter().map(|(actor, _)| actor).collect::<std::collections::HashSet<_>>().len() < busy {
        moves.push(Move::Sleep);
    }
    moves
}

/// Lets every task run until it waits for something.
async fn settle() {
    for _ in 0..12 {
        tokio::task::yield_now().await;
    }
}

impl Running {
    fn start(request: Request) -> Self {
        Self { actor: request.actor, task: tokio::spawn(request.clone().run()), request, gone: false }
    }

    /// The client goes away; the adapter does what adapters do then.
    fn leave(&mut self) {
        self.gone = true;
        self.request.gate.note(self.actor, "is given up by its client", "");
        self.request.model.lock().is_left(self.actor);
        self.task.abort();
        let pending = self.request.pending.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(pending) = pending.filter(Pending::is_ending) {
            tokio::spawn(async move { drop(pending.abandon().await) });
        }
    }
}

impl Request {
    /// The browser sends the request, with the cookie that it has now.
    fn send(&self) {
        let id = self.jar.lock().unwrap_or_else(PoisonError::into_inner).0.clone();
        self.model.lock().begin(self.actor, id.as_deref());
        let cookies = id.map(|id| format!("{}={id}", self.engine.cookie_name())).into_iter().collect();
        let pending = self.engine.begin(&Plain { cookies, ..Plain::default() });
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = Some(pending);
    }

    async fn run(self) {
        if self.waits_to_be_sent {
            self.gate.pass(self.actor, Point::Line, "is sent").await;
            self.send();
        }
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pending = pending.expect("the request was sent");
        let mut behind = Vec::new();
        for (line, step) in self.script.iter().enumerate() {
            if *step == Step::Pause || self.pauses && line > 0 {
                self.gate.pass(self.actor, Point::Line, "goes on").await;
            }
            if *step == Step::Pause {
                continue;
            }
            let Ok(session) = self.load(&pending).await else { return };
            let tag = i64::try_from(self.actor * 100 + line + 1).expect("cases are small");
            if *step == Step::SaveBehind {
                let (this, session) = (self.clone(), session);
                behind.push(tokio::spawn(async move { this.save(&session).await }));
            } else {
                self.perform(&session, *step, tag).await;
            }
        }
        for task in behind {
            if let Err(error) = task.await
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
        let outcome = pending.commit().await;
        self.respond(outcome);
    }

    async fn load(&self, pending: &Pending) -> cloakroom::Result<Session> {
        self.model.lock().call(self.actor, Call::Load);
        let before = self.model.lock().trips.get(&self.actor).copied();
        let session = pending.load().await;
        let mut model = self.model.lock();
        let asked = model.trips.get(&self.actor).copied() != before;
        match &session {
            Ok(_) if asked || !model.has_loaded(self.actor) => model.loaded(self.actor),
            Ok(_) => model.call(self.actor, Call::None),
            Err(_) => model.fail(self.actor),
        }
        session
    }

    fn respond(&self, outcome: cloakroom::Result<Outcome>) {
        let told = Told::read(outcome.as_ref().ok().and_then(|outcome| outcome.set_cookie.as_deref()));
        self.finish(outcome.map(drop));
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        let before = jar.0.clone();
        jar.take_in(&told);
        let mut model = self.model.lock();
        if model.is_answered(self.actor) {
            model.tell(self.actor, &told, before.as_deref());
        } else {
            model.fail(self.actor);
        }
        drop(model);
        self.gate.note(
            self.actor,
            "has its response",
            match told {
                Told::Nothing => "",
                Told::Set(_) => ", with a new cookie",
                Told::Removed => ", which removes the cookie",
            },
        );
    }

    /// A commit or save has ended.
    fn finish(&self, result: cloakroom::Result<()>) {
        let dropped = self.dropped.swap(false, Ordering::Relaxed);
        let result = result.map_err(|error| error.kind());
        self.model.lock().finish(self.actor, result, dropped);
    }

    async fn save(&self, session: &Session) {
        let result = session.save().await;
        self.finish(result);
    }

    async fn reload(&self, session: &Session) {
        self.model.lock().call(self.actor, Call::Load);
        let reloaded = session.reload().await;
        let mut model = self.model.lock();
        match reloaded.map_err(|error| error.kind()) {
            Ok(()) => {
                if !model.reloaded(self.actor) {
                    model.violation(self.actor, "a session that has ended was loaded again");
                }
            }
            Err(ErrorKind::Gone) => model.reload_found_nothing(self.actor),
            Err(_) => model.call(self.actor, Call::None),
        }
    }

    fn check<T: PartialEq + std::fmt::Debug>(&self, what: Step, got: &T, want: &T) {
        let mut model = self.model.lock();
        if got != want && model.is_sure(self.actor) {
            model.violation(self.actor, format!("{what:?} gave {got:?} instead of {want:?}"));
        }
    }

    /// Does one line of the script, in the engine and in the model.
    async fn perform(&self, session: &Session, step: Step, tag: i64) {
        let actor = self.actor;
        let change = |change| self.model.lock().mind(actor).changes.push(change);
        let view = || self.model.lock().mind(actor).view();
        let seen = |key: &str| view().get(key).map(|held| held.value.clone());
        match step {
            Step::Read(key) => self.check(step, &session.get::<Value>(key).expect("it is JSON"), &seen(key)),
            Step::ReadAll => {
                let mut all = session.entries::<Value>().expect("it is JSON");
                all.sort_by(|a, b| a.0.cmp(&b.0));
                let want: Vec<_> =
                    view().into_iter().map(|(key, held)| (key.to_owned(), held.value)).collect();
                self.check(step, &all, &want);
                let user = self.model.lock().mind(actor).owner.clone();
                let user = user.map(|owner| owner.key.as_str().unwrap_or_default().to_owned());
                self.check(step, &session.user(), &user);
            }
            Step::Insert(key) => {
                session.insert(key, tag).expect("it is JSON");
                change(Change::Set(key, tag));
            }
            Step::Remove(key) => {
                let existed = seen(key).is_some();
                self.check(step, &session.remove(key), &existed);
                if existed {
                    change(Change::Remove(key));
                }
            }
            Step::Take(key) => {
                let want = seen(key);
                self.check(step, &session.take::<Value>(key).expect("it is JSON"), &want);
                if want.is_some() {
                    change(Change::Remove(key));
                }
            }
            Step::Increment => {
                let count = session.increment("n", tag).expect("it is a number");
                change(Change::Add("n", tag));
                self.check(step, &Some(Value::from(count)), &seen("n"));
            }
            Step::Push => {
                let length = session.push("l", tag).expect("it is a list");
                change(Change::Push("l", tag));
                let want = seen("l").and_then(|list| list.as_array().map(Vec::len));
                self.check(step, &Some(length), &want);
            }
            Step::Update => {
                session.update("u", move |old: Option<i64>| grow(old, tag)).expect("it is a number");
                change(Change::Grow("u", tag));
            }
            Step::Flash => {
                session.flash("f", tag).expect("it is JSON");
                change(Change::Flash("f", tag));
            }
            Step::Clear => {
                session.clear();
                self.model.lock().mind(actor).clear();
            }
            Step::Save => self.save(session).await,
            Step::Reload => self.reload(session).await,
            Step::Pause | Step::SaveBehind => {}
            _ => self.decide(session, step).await,
        }
    }

    /// Does a line that is about the session as a whole.
    async fn decide(&self, session: &Session, step: Step) {
        let now = self.model.lock().clock().now();
        match step {
            Step::RenewId => session.renew_id(),
            Step::LogIn(user) => session.log_in(user).expect("the user has a name"),
            Step::LogOut => session.log_out(),
            Step::Destroy => session.destroy(),
            Step::Reset => session.reset(),
            Step::Discard => session.discard_changes(),
            _ => {}
        }
        {
            let mut model = self.model.lock();
            let mind = model.mind(self.actor);
            match step {
                Step::RenewId => mind.renew(),
                Step::LogIn(user) => mind.log_in(owner(user, now)),
                Step::LogOut | Step::Destroy => mind.end(),
                Step::Reset => {
                    mind.end();
                    mind.must_exist = true;
                }
                Step::Discard => mind.discard(),
                _ => model.call(self.actor, Call::Revoke),
            }
        }
        let sessions = self.engine.sessions();
        let revoked = match step {
            Step::RevokeAll(user) => sessions.revoke_all(user).await.map(drop),
            Step::RevokeOthers => self.revoke_others(session).await,
            _ => Ok(()),
        };
        let mut model = self.model.lock();
        model.call(self.actor, Call::None);
        if revoked.is_err() {
            model.fail(self.actor);
        }
    }

    async fn revoke_others(&self, session: &Session) -> cloakroom::Result<()> {
        match self.engine.sessions().revoke_others(session).await {
            Ok(_) => self.model.lock().spared(self.actor),
            Err(error) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Gone) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
