//! F1 (S16): no code of the application runs under a lock of ours, so all of it may call back into its session.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::{
    Clock, Config, Engine, Event, Observer, Pending, Random, Result, Session, SystemRandom, Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::browser::Browser;
use crate::clock::TestClock;
use crate::stage::{Stage, plain};
use crate::watchdog;

thread_local! {
    /// A call back into a session may itself run code of the application: it does not call back again.
    static CALLING: Cell<bool> = const { Cell::new(false) };
}

/// Calls back into a session, once it knows one.
#[derive(Clone, Debug, Default)]
struct Caller(Arc<Mutex<Option<Session>>>);

impl Caller {
    fn knows(&self, session: &Session) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
    }

    /// Without the session, it is no longer part of a circle.
    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn call(&self) {
        let session = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(session) = session else { return };
        if CALLING.replace(true) {
            return;
        }
        let _ = session.get::<u64>("price");
        let _ = session.path("basket.coat").get::<u64>();
        let _ = (session.exists(), session.user(), session.handle(), session.expires_in());
        session.insert("called", true).unwrap();
        CALLING.set(false);
    }
}

impl Observer for Caller {
    fn event(&self, _event: &Event) {
        self.call();
    }
}

#[derive(Debug)]
struct CallingClock(TestClock, Caller);

impl Clock for CallingClock {
    fn now(&self) -> Timestamp {
        self.1.call();
        self.0.now()
    }
}

#[derive(Debug)]
struct CallingRandom(Caller);

impl Random for CallingRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        self.0.call();
        SystemRandom.fill(bytes)
    }
}

/// A value whose `Serialize`, `Deserialize` and `Drop` call back.
struct CallingValue(Caller);

impl Serialize for CallingValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.call();
        serializer.serialize_u64(1)
    }
}

impl Drop for CallingValue {
    fn drop(&mut self) {
        self.0.call();
    }
}

thread_local! {
    /// Serde makes values out of nothing: this is how they find the caller.
    static READER: Caller = Caller::default();
}

#[derive(Serialize)]
#[serde(transparent)]
struct CallingOnReading(u64);

impl<'de> Deserialize<'de> for CallingOnReading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READER.with(Caller::call);
        u64::deserialize(deserializer).map(Self)
    }
}

/// A key whose `as_ref` calls back.
struct CallingKey(Caller);

impl AsRef<str> for CallingKey {
    fn as_ref(&self) -> &str {
        self.0.call();
        "note"
    }
}

/// A session with something of everything in it.
fn fill(session: &Session) {
    session.insert("price", 5_u64).unwrap();
    session.insert("total", 1_u64).unwrap();
    session.path("basket.coat").insert(1_u64).unwrap();
    session.flash("note", "saved").unwrap();
}

/// Begins a request, does `handler`, lets another request commit a change of the same values first, and commits.
async fn contended(engine: &Engine, caller: &Caller, handler: impl FnOnce(&Session)) {
    let mut browser = Browser::default();
    browser.visit(engine, fill).await;
    let pending = browser.begin(engine);
    let session = pending.load().await.unwrap();
    caller.knows(&session);
    handler(&session);
    drop(session);
    let other = |session: &Session| {
        session.increment("total", 1).unwrap();
        session.path("basket.coat").increment(1).unwrap();
    };
    browser.visit(engine, other).await;
    browser.take_in(&pending.commit().await.unwrap());
    caller.forget();
    assert!(browser.has_session(engine).await);
}

/// Does `handler` in a contended request; must end.
fn must_end(handler: impl FnOnce(&Session, &Caller) + Send + 'static) {
    watchdog::ends(move || async move {
        let (stage, caller) = (Stage::new(plain), Caller::default());
        contended(&stage.engine, &caller, |session| handler(session, &caller)).await;
    });
}

#[test]
fn f01_a_closure_of_update_may_call_its_session_while_another_request_commits_first() {
    must_end(|session, caller| {
        let caller = caller.clone();
        let add = move |total: Option<u64>| {
            caller.call();
            total.unwrap_or(0) + 1
        };
        session.update("total", add).unwrap();
    });
}

#[test]
fn f01_a_closure_of_update_may_do_each_single_thing_with_its_session() {
    let calls: [fn(&Session); 8] = [
        |session| drop(session.get::<u64>("price")),
        |session| drop(session.exists()),
        |session| drop(session.user()),
        |session| session.insert("seen", true).unwrap(),
        |session| drop(session.contains("price")),
        |session| drop(session.path("basket.coat").get::<u64>()),
        |session| session.touch(),
        |session| drop(session.csrf_token()),
    ];
    for call in calls {
        must_end(move |session, _| {
            let own = session.clone();
            let add = move |total: Option<u64>| {
                call(&own);
                total.unwrap_or(0) + 1
            };
            session.update("total", add).unwrap();
        });
    }
}

#[test]
fn f01_a_closure_of_update_at_a_path_may_call_its_session_while_another_request_commits_first() {
    must_end(|session, caller| {
        let caller = caller.clone();
        let add = move |total: Option<u64>| {
            caller.call();
            total.unwrap_or(0) + 1
        };
        session.path("basket.coat").update(add).unwrap();
    });
}

#[test]
fn f01_a_closure_of_update_may_call_its_session_when_it_is_loaded_anew_after_a_lost_answer() {
    use crate::store::{Deed, Op, Rule};
    watchdog::ends(|| async {
        let (stage, caller) = (Stage::new(plain), Caller::default());
        stage.store.add(Rule::once(&[Op::Update], Deed::Lose).after(1));
        let own = caller.clone();
        let add = move |total: Option<u64>| {
            own.call();
            total.unwrap_or(0) + 1
        };
        contended(&stage.engine, &caller, |session| session.update("total", add).unwrap()).await;
    });
}

#[test]
fn f01_the_iterator_of_keep_flash_may_call_its_session() {
    must_end(|session, caller| {
        session.keep_flash(std::iter::once_with(|| {
            caller.call();
            "note"
        }));
    });
}

#[test]
fn f01_the_keys_of_keep_flash_may_call_their_session() {
    must_end(|session, caller| session.keep_flash([CallingKey(caller.clone())]));
}

#[test]
fn f01_the_closure_of_suggest_device_may_call_its_session() {
    must_end(|session, caller| {
        session.suggest_device(|| {
            caller.call();
            Some(b"a browser".as_slice())
        });
    });
}

#[test]
fn f01_a_value_may_call_its_session_while_it_is_written() {
    must_end(|session, caller| {
        let value = || CallingValue(caller.clone());
        session.insert("new", value()).unwrap();
        session.push("list", value()).unwrap();
        session.flash("told", value()).unwrap();
        session.flash_now("told_now", value()).unwrap();
        session.path("basket.hat").insert(value()).unwrap();
        session.path("basket.all").push(value()).unwrap();
    });
}

#[test]
fn f01_a_value_may_call_its_session_while_it_is_read_by_a_closure_that_runs_again() {
    must_end(|session, caller| {
        READER.with(|reader| reader.knows(session));
        let add = |old: Option<CallingOnReading>| CallingOnReading(old.map_or(0, |old| old.0) + 1);
        session.update("total", add).unwrap();
        let _ = caller;
    });
}

/// Records an update whose closure has captured a value that calls back when it is dropped.
fn update_with_captured(session: &Session, caller: &Caller) {
    let captured = CallingValue(caller.clone());
    let add = move |total: Option<u64>| {
        let _held = &captured;
        total.unwrap_or(0) + 1
    };
    session.update("total", add).unwrap();
}

#[test]
fn f01_what_a_closure_captured_may_call_its_session_when_a_commit_drops_it() {
    must_end(update_with_captured);
}

#[test]
fn f01_what_a_closure_captured_may_call_its_session_when_the_handler_lets_go_of_the_change() {
    let ways: [fn(&Session); 5] = [
        Session::discard_changes,
        |session| {
            session.log_out();
            session.discard_changes();
        },
        |session| {
            session.reset();
            session.reset();
        },
        |session| {
            session.log_out();
            session.insert("note", "bye").unwrap();
            session.log_out();
        },
        |session| session.log_in("alice").unwrap(),
    ];
    for way in ways {
        must_end(move |session, caller| {
            update_with_captured(session, caller);
            way(session);
            session.insert("again", 1).unwrap();
        });
    }
}

#[test]
fn f01_what_a_closure_captured_may_call_its_session_when_it_is_loaded_again_or_has_ended() {
    watchdog::ends(|| async {
        let (stage, caller) = (Stage::new(plain), Caller::default());
        for ends in [false, true] {
            let mut browser = Browser::anonymous(&stage.engine).await;
            let pending = browser.begin(&stage.engine);
            let session = pending.load().await.unwrap();
            caller.knows(&session);
            update_with_captured(&session, &caller);
            if ends {
                browser.visit(&stage.engine, Session::log_out).await;
                let _ = session.save().await;
            } else {
                session.reload().await.unwrap();
            }
            caller.forget();
        }
    });
}

fn engine_with(options: impl FnOnce(Config) -> Config) -> Engine {
    Stage::new(options).engine
}

/// One contended request for each thing that a handler can decide.
async fn decide_everything(engine: &Engine, caller: &Caller) {
    let handlers: [fn(&Session); 8] = [
        |session| drop(session.increment("total", 1)),
        |session| session.log_in("alice").unwrap(),
        Session::renew_id,
        |session| {
            session.log_out();
            session.flash("note", "bye").unwrap();
        },
        Session::reset,
        |session| drop(session.csrf_token()),
        |session| drop(session.rotate_csrf_token()),
        |session| session.set_max_age(None),
    ];
    for handler in handlers {
        contended(engine, caller, handler).await;
        create(engine, caller, handler).await;
    }
}

/// The same in a session that is new.
async fn create(engine: &Engine, caller: &Caller, handler: fn(&Session)) {
    let pending: Pending = Browser::default().begin(engine);
    let session = pending.load().await.unwrap();
    caller.knows(&session);
    fill(&session);
    let _ = session.handle();
    handler(&session);
    let _ = pending.commit().await.unwrap();
    caller.forget();
}

#[test]
fn f01_an_observer_may_call_the_session_that_it_is_told_about() {
    watchdog::ends(|| async {
        let caller = Caller::default();
        let engine = engine_with(|config| config.observer(caller.clone()));
        decide_everything(&engine, &caller).await;
    });
}

#[test]
fn f01_a_clock_may_call_the_session_that_asks_it() {
    watchdog::ends(|| async {
        let caller = Caller::default();
        let clock = CallingClock(TestClock::new(), caller.clone());
        let engine = engine_with(|config| config.clock(clock));
        decide_everything(&engine, &caller).await;
    });
}

#[test]
fn f01_a_source_of_random_bytes_may_call_the_session_that_asks_it() {
    watchdog::ends(|| async {
        let caller = Caller::default();
        let engine = engine_with(|config| config.random(CallingRandom(caller.clone())));
        decide_everything(&engine, &caller).await;
    });
}

/// Everything that calls back, in one handler.
fn reentrant_everything(session: &Session, caller: &Caller) {
    update_with_captured(session, caller);
    let own = caller.clone();
    let add = move |coats: Option<u64>| {
        own.call();
        coats.unwrap_or(0) + 1
    };
    session.path("basket.coat").update(add).unwrap();
    session.insert("new", CallingValue(caller.clone())).unwrap();
    session.keep_flash([CallingKey(caller.clone())]);
    session.suggest_device(|| {
        caller.call();
        None
    });
    session.log_in("alice").unwrap();
}

#[test]
fn f01_reentrant_everything_does_not_stop_a_server_with_two_threads() {
    watchdog::ends_on_two_threads(|| async {
        let everywhere = Caller::default();
        let clock = CallingClock(TestClock::new(), everywhere.clone());
        let engine = engine_with(|config| {
            config
                .clock(clock)
                .observer(everywhere.clone())
                .random(CallingRandom(everywhere.clone()))
        });
        let requests: Vec<_> = (0..8)
            .map(|_| {
                let (engine, everywhere) = (engine.clone(), everywhere.clone());
                tokio::spawn(async move {
                    for _ in 0..20 {
                        let caller = Caller::default();
                        contended(&engine, &caller, |session| {
                            everywhere.knows(session);
                            reentrant_everything(session, &caller);
                        })
                        .await;
                    }
                })
            })
            .collect();
        for request in requests {
            request.await.unwrap();
        }
        everywhere.forget();
    });
}
