//! S16: the application's own code, run by the engine, calls back into sessions while requests meet on real threads.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom::{Clock, ManualClock, Observer, Random, SystemRandom, Timestamp};
use cloakroom_races::{Browser, Gate, Kind, Stand, races};
use cloakroom_tower::{Config, Event, Session};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

races! {
    s16_a_closure_of_update_calls_back_while_others_commit,
    s16_a_value_calls_back_while_it_is_written_read_or_dropped,
    s16_the_iterator_and_the_keys_of_keep_flash_call_back,
    s16_an_observer_calls_back_while_others_commit,
    s16_a_clock_and_a_source_of_chance_call_back_while_others_commit,
    s16_everything_calls_back_at_once,
}

/// How many requests meet.
const MANY: u64 = 8;

thread_local! {
    /// A call back may itself run code of the application: that does not call back again.
    static IS_CALLING: Cell<bool> = const { Cell::new(false) };
}

/// Calls back into every session that it knows. Clones know the same ones.
#[derive(Clone, Debug, Default)]
struct Caller(Arc<Inside>);

#[derive(Debug, Default)]
struct Inside {
    sessions: Mutex<Vec<Session>>,
    calls: AtomicU64,
}

impl Caller {
    fn knows(&self, session: &Session) {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session.clone());
    }

    /// Without its sessions, it is not part of a circle any more.
    fn forget(&self) {
        let known = std::mem::take(&mut *self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner));
        // The last handle of a request may run code of the application: not under this lock.
        drop(known);
    }

    fn call(&self) {
        if IS_CALLING.replace(true) {
            return;
        }
        let sessions = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for session in &sessions {
            call_back(session);
        }
        if !sessions.is_empty() {
            self.0.calls.fetch_add(1, Ordering::SeqCst);
        }
        drop(sessions);
        IS_CALLING.set(false);
    }

    fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::SeqCst)
    }
}

/// Looks at all of a session, and changes it.
fn call_back(session: &Session) {
    let _ = (
        session.get::<u64>("n"),
        session.path("deep.n").get::<u64>(),
        session.entries::<serde_json::Value>(),
    );
    let _ = (session.exists(), session.is_new(), session.user(), session.id(), session.public_id());
    let _ = (session.expires_in(), session.started_at(), session.csrf_token());
    let _ = (session.insert("called", 1), session.push("calls", 1), session.path("calls.0").take::<u64>());
    session.remove("calls");
}

impl Observer for Caller {
    fn on_event(&self, _: &Event) {
        self.call();
    }
}

#[derive(Debug)]
struct CallingClock(ManualClock, Caller);

impl Clock for CallingClock {
    fn now(&self) -> Timestamp {
        self.1.call();
        self.0.now()
    }
}

#[derive(Debug)]
struct CallingRandom(Caller);

impl Random for CallingRandom {
    fn fill(&self, bytes: &mut [u8]) -> cloakroom::Result<()> {
        self.0.call();
        SystemRandom.fill(bytes)
    }
}

/// A value that calls back when it is written and when it is dropped.
struct Calling(Caller);

impl Serialize for Calling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.call();
        serializer.serialize_u64(1)
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.0.call();
    }
}

thread_local! {
    /// Serde makes values out of nothing: this is how they find whom to call.
    static READER: RefCell<Caller> = RefCell::default();
}

/// A number that calls back when it is read.
struct Reading(u64);

impl Serialize for Reading {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READER.with_borrow(Caller::clone).call();
        u64::deserialize(deserializer).map(Self)
    }
}

/// A key that calls back when it is looked at.
struct Key(Caller);

impl AsRef<str> for Key {
    fn as_ref(&self) -> &'static str {
        self.0.call();
        "notice"
    }
}

/// Ends the test program if a test does not end: threads that wait for each other do so for ever.
struct Watchdog(Arc<AtomicBool>);

impl Watchdog {
    fn new(test: &'static str) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = over.clone();
        thread::spawn(move || {
            let begun = Instant::now();
            while !is_over.load(Ordering::SeqCst) {
                if begun.elapsed() > Duration::from_secs(120) {
                    #[expect(clippy::print_stderr, reason = "the process ends here")]
                    {
                        eprintln!("{test}: its threads wait for each other");
                    }
                    std::process::exit(101);
                }
                thread::park_timeout(Duration::from_millis(100));
            }
        });
        Self(over)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A session with something of everything.
async fn full(stand: &Stand) -> Browser {
    let mut browser = stand.user("alice").await;
    let fill = async |session: Session| {
        session.insert("n", 0)?;
        session.path("deep.n").insert(0)?;
        Ok(session.flash("notice", "saved")?)
    };
    browser.run(fill).await.ok();
    browser
}

/// Sends requests that all have loaded before the first one does `deed`, and that all count.
async fn meet(browser: &Browser, caller: &Caller, deed: fn(&Session, &Caller) -> cloakroom::Result<()>) {
    let gate = Gate::new("all requests have loaded");
    let requests: Vec<_> = (0..MANY)
        .map(|_| {
            let (gate, caller) = (gate.clone(), caller.clone());
            browser.start(async move |session: Session| {
                caller.knows(&session);
                gate.pass().await;
                session.increment("counted", 1)?;
                deed(&session, &caller)?;
                Ok(())
            })
        })
        .collect();
    for _ in 0..MANY {
        gate.reached().await;
    }
    gate.open_for_all();
    for request in requests {
        request.answer().await.ok();
    }
    caller.forget();
    assert_eq!(browser.read::<u64>("counted").await, Some(MANY));
}

/// A closure that calls back, and has captured what calls back when it is dropped.
fn update(session: &Session, caller: &Caller) -> cloakroom::Result<()> {
    let (captured, inside) = (Calling(caller.clone()), caller.clone());
    session.update("n", move |n: Option<u64>| {
        let _held = &captured;
        inside.call();
        n.unwrap_or(0) + 1
    })?;
    let inside = caller.clone();
    session.path("deep.n").update(move |n: Option<u64>| {
        inside.call();
        n.unwrap_or(0) + 1
    })
}

fn write_and_read(session: &Session, caller: &Caller) -> cloakroom::Result<()> {
    session.insert("value", Calling(caller.clone()))?;
    session.path("deep.value").insert(Calling(caller.clone()))?;
    session.push("values", Calling(caller.clone()))?;
    session.flash("later", Calling(caller.clone()))?;
    READER.set(caller.clone());
    session.get::<Reading>("n")?;
    session.entries::<serde_json::Value>()?;
    let taken = session.path("values.0").take::<Reading>();
    READER.set(Caller::default());
    taken.map(drop)
}

fn keep_flash(session: &Session, caller: &Caller) -> cloakroom::Result<()> {
    let inside = caller.clone();
    session.keep_flash((0..2).map(move |_| {
        inside.call();
        "notice"
    }));
    session.keep_flash([Key(caller.clone())]);
    Ok(())
}

async fn s16_a_closure_of_update_calls_back_while_others_commit(kind: Kind) {
    let _watchdog = Watchdog::new("a closure of update");
    let (stand, caller) = (Stand::new(kind).await, Caller::default());
    let alice = full(&stand).await;
    meet(&alice, &caller, update).await;
    assert_eq!(alice.read::<u64>("n").await, Some(MANY));
    assert_eq!(alice.read::<serde_json::Value>("deep").await, Some(serde_json::json!({"n": MANY})));
    assert!(caller.calls() > 2 * MANY, "closures ran again, and what they captured was dropped");
}

async fn s16_a_value_calls_back_while_it_is_written_read_or_dropped(kind: Kind) {
    let _watchdog = Watchdog::new("a value");
    let (stand, caller) = (Stand::new(kind).await, Caller::default());
    let alice = full(&stand).await;
    meet(&alice, &caller, write_and_read).await;
    assert_eq!(alice.read::<u64>("value").await, Some(1));
    assert!(caller.calls() >= 10 * MANY, "{} calls", caller.calls());
}

async fn s16_the_iterator_and_the_keys_of_keep_flash_call_back(kind: Kind) {
    let _watchdog = Watchdog::new("keep_flash");
    let (stand, caller) = (Stand::new(kind).await, Caller::default());
    let alice = full(&stand).await;
    meet(&alice, &caller, keep_flash).await;
    assert!(caller.calls() >= 3 * MANY, "{} calls", caller.calls());
}

async fn s16_an_observer_calls_back_while_others_commit(kind: Kind) {
    let _watchdog = Watchdog::new("an observer");
    let caller = Caller::default();
    let observer = caller.clone();
    let stand = Stand::with(kind, move |config| config.observer(observer)).await;
    let alice = full(&stand).await;
    meet(&alice, &caller, |session, _| session.push("list", 1).map(drop)).await;
    assert_eq!(alice.read::<Vec<u64>>("list").await, Some(vec![1; 8]));
    decide(&stand, &caller).await;
    assert!(caller.calls() > 0);
}

async fn s16_a_clock_and_a_source_of_chance_call_back_while_others_commit(kind: Kind) {
    let _watchdog = Watchdog::new("a clock and a source of chance");
    let caller = Caller::default();
    let stand = Stand::with(kind, |config| calling(config, &caller)).await;
    let alice = full(&stand).await;
    meet(&alice, &caller, |session, _| session.push("list", 1).map(drop)).await;
    decide(&stand, &caller).await;
    assert!(caller.calls() > MANY);
}

/// The clock stands where the stand's does, which these tests do not move.
fn calling(config: Config, caller: &Caller) -> Config {
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    config.clock(CallingClock(clock, caller.clone())).random(CallingRandom(caller.clone()))
}

/// Requests that meet, each of which decides on something else than values.
async fn decide(stand: &Stand, caller: &Caller) {
    let deeds: [fn(&cloakroom::Session); 6] = [
        cloakroom::Session::cycle_id,
        |session| session.log_in("alice").unwrap(),
        cloakroom::Session::log_out,
        cloakroom::Session::reset,
        cloakroom::Session::touch,
        |session| drop(session.rotate_csrf_token()),
    ];
    for deed in deeds {
        let alice = full(stand).await;
        let gate = Gate::new("all requests have loaded");
        let mut requests = Vec::new();
        for decides in [true, false, true, false] {
            let (gate, caller) = (gate.clone(), caller.clone());
            requests.push(alice.start(async move |session: Session| {
                caller.knows(&session);
                gate.pass().await;
                session.increment("n", 1)?;
                if decides {
                    deed(&session);
                }
                Ok(())
            }));
        }
        for _ in 0..4 {
            gate.reached().await;
        }
        gate.open_for_all();
        for request in requests {
            request.answer().await.ok();
        }
        caller.forget();
    }
}

async fn s16_everything_calls_back_at_once(kind: Kind) {
    let _watchdog = Watchdog::new("everything");
    let caller = Caller::default();
    let observer = caller.clone();
    let stand = Stand::with(kind, |config| calling(config.observer(observer), &caller)).await;
    let alice = full(&stand).await;
    let all = |session: &Session, caller: &Caller| {
        update(session, caller)?;
        write_and_read(session, caller)?;
        keep_flash(session, caller)
    };
    meet(&alice, &caller, all).await;
    assert_eq!(alice.read::<u64>("n").await, Some(MANY));
    decide(&stand, &caller).await;
}
