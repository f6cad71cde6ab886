//! F1 (S16): what the application configures may call back too, and so may everything at once.

use cloakroom::{Config, Session, SessionManager};

use crate::browser::{Browser, Handler};
use crate::clock::TestClock;
use crate::reentrant::{
    Caller, CallingClock, CallingKey, CallingRandom, CallingSubscriber, CallingValue, contended, fill,
    update_with_captured,
};
use crate::stage::{Stage, plain};
use crate::store::{Deed, Op, Rule};
use crate::watchdog;

fn engine_with(options: impl FnOnce(Config) -> Config) -> SessionManager {
    Stage::new(options).engine
}

/// One contended request for each thing that a handler can decide.
async fn decide_everything(engine: &SessionManager, caller: &Caller) {
    let handlers: [Handler; 8] = [
        |session| drop(session.increment("total", 1)),
        |session| session.log_in("alice").unwrap(),
        Session::cycle_id,
        |session| {
            session.log_out();
            session.flash("note", "bye").unwrap();
        },
        Session::reset,
        |session| drop(session.csrf_token()),
        |session| drop(session.rotate_csrf_token()),
        |session| session.set_idle_timeout(None),
    ];
    for handler in handlers {
        contended(engine, caller, handler).await;
        create(engine, caller, handler).await;
    }
}

/// The same in a session that is new.
async fn create(engine: &SessionManager, caller: &Caller, handler: Handler) {
    let pending = Browser::default().begin(engine);
    let session = pending.load().await.unwrap();
    caller.knows(&session);
    fill(&session);
    let _ = session.public_id();
    handler(&session);
    let _ = pending.commit().await.unwrap();
    caller.forget();
}

#[test]
fn f01_an_observer_may_call_the_session_of_the_event() {
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

#[test]
fn f01_a_store_may_call_the_session_that_asks_it() {
    watchdog::ends(|| async {
        let (stage, caller) = (Stage::new(plain), Caller::default());
        let own = caller.clone();
        stage.store.run_at_each(move || own.call());
        decide_everything(&stage.engine, &caller).await;
    });
}

#[test]
fn f01_a_subscriber_may_call_the_session_of_the_event() {
    watchdog::ends(|| async {
        let caller = Caller::default();
        let _subscribed = tracing::subscriber::set_default(CallingSubscriber(caller.clone()));
        for kind in [cloakroom::store::ErrorKind::Unavailable, cloakroom::store::ErrorKind::Setup] {
            for after in 0..3 {
                let stage = Stage::new(plain);
                let mut browser = Browser::logged_in(&stage.engine, "alice").await;
                let pending = browser.begin(&stage.engine);
                let session = pending.load().await.unwrap();
                caller.knows(&session);
                session.log_in("alice").unwrap();
                stage.store.add(Rule::always(&Op::ALL, Deed::Fail(kind)).after(after));
                let _ = pending.commit().await;
                let _ = browser.try_visit(&stage.engine, Session::exists).await;
                caller.forget();
            }
        }
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
            config.clock(clock).observer(everywhere.clone()).random(CallingRandom(everywhere.clone()))
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
