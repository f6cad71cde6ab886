//! F14 (S17): a request waits for its store no longer than its deadline, whatever the store does.

use std::time::Duration;

use cloakroom::store::ErrorKind as StoreErrorKind;
use cloakroom::{Config, ErrorKind, OutageFallback, Session, StoreOutage};

use crate::browser::{Browser, Handler};
use crate::clock::{minutes, pass, timed};
use crate::stage::{Stage, deadline};
use crate::store::{Deed, Op, Rule};

const DEADLINE: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_millis(1_050);

fn quick(config: Config) -> Config {
    deadline(config, DEADLINE)
}

/// Runs `work`, which must end in time; says how long it took.
async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    let (ended, took) = timed(tokio::time::timeout(minutes(1), work)).await;
    let result = ended.unwrap_or_else(|_| panic!("{what}: does not end within a minute"));
    assert!(took <= MOST, "{what}: took {took:?}");
    result
}

#[tokio::test(start_paused = true)]
async fn f14_a_load_from_a_store_that_hangs_ends_at_the_deadline() {
    for then in [OutageFallback::FailClosed, OutageFallback::AnonymousReadOnly] {
        for wait in [Duration::ZERO, Duration::from_millis(250), Duration::from_secs(30)] {
            let stage = Stage::new(|config| {
                quick(config).outage(StoreOutage::default().retry_for(wait).fallback(then))
            });
            let browser = Browser::logged_in(&stage.engine, "alice").await;
            stage.store.add(Rule::always(&Op::ALL, Deed::Hang));
            let pending = browser.begin(&stage.engine);
            let loaded = in_time("load", pending.load()).await;
            match then {
                OutageFallback::FailClosed => {
                    assert_eq!(loaded.unwrap_err().kind(), ErrorKind::Unavailable);
                }
                _ => assert!(!loaded.unwrap().exists()),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f14_a_load_from_a_store_that_fails_slowly_ends_at_the_deadline() {
    for slow in [Duration::from_millis(400), Duration::from_secs(3)] {
        let stage = Stage::new(|config| {
            quick(config).outage(StoreOutage::default().retry_for(Duration::from_secs(30)))
        });
        let browser = Browser::logged_in(&stage.engine, "alice").await;
        stage.store.slow_down(slow);
        stage.store.add(Rule::always(&Op::ALL, Deed::Fail(StoreErrorKind::Unavailable)));
        assert!(in_time("load", browser.begin(&stage.engine).load()).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn f14_a_chain_of_slow_renewals_is_followed_no_longer_than_the_deadline() {
    let stage = Stage::new(quick);
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    let mut newer = browser.clone();
    newer.visit(&stage.engine, Session::cycle_id).await;
    newer.visit(&stage.engine, Session::cycle_id).await;
    stage.store.slow_down(Duration::from_millis(600));
    let _ = in_time("load", browser.begin(&stage.engine).load()).await;
}

/// What a handler can do.
const DEEDS: [(&str, Handler); 8] = [
    ("a write", |session| session.insert("a", 1).unwrap()),
    ("a touch", Session::touch),
    ("a renewal", Session::cycle_id),
    ("a log-in", |session| session.log_in("bob").unwrap()),
    ("a log-out", Session::log_out),
    ("a reset", Session::reset),
    ("a log-out and a message", |session| {
        session.log_out();
        session.flash("note", "bye").unwrap();
    }),
    ("an idle time of its own", |session| session.set_idle_timeout(None)),
];

/// Commits every deed, with a store that stops answering after so many more operations.
async fn commits(deed: Deed, latency: Duration) {
    for logged_in in [true, false] {
        for (what, handler) in DEEDS {
            for after in 0..4 {
                let stage = Stage::new(|config| quick(config).max_sessions_per_user(2));
                let browser = if logged_in {
                    Browser::logged_in(&stage.engine, "alice").await
                } else {
                    Browser::default()
                };
                let pending = browser.begin(&stage.engine);
                handler(&pending.load().await.unwrap());
                stage.store.slow_down(latency);
                stage.store.add(Rule::always(&Op::ALL, deed.clone()).after(after));
                let what = format!("{what}, logged in: {logged_in}, {deed:?} after {after} operations");
                let _ = in_time(&what, pending.commit()).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f14_a_commit_to_a_store_that_hangs_ends_at_the_deadline() {
    commits(Deed::Hang, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn f14_a_commit_to_a_store_that_fails_slowly_ends_at_the_deadline() {
    commits(Deed::Fail(StoreErrorKind::Unavailable), Duration::from_millis(300)).await;
}

#[tokio::test(start_paused = true)]
async fn f14_a_commit_to_a_store_that_loses_its_answers_slowly_ends_at_the_deadline() {
    commits(Deed::Lose, Duration::from_millis(300)).await;
}

#[tokio::test(start_paused = true)]
async fn f14_a_save_to_a_store_that_hangs_ends_at_the_deadline() {
    for (what, handler) in DEEDS {
        let stage = Stage::new(quick);
        let browser = Browser::logged_in(&stage.engine, "alice").await;
        let session = browser.begin(&stage.engine).load().await.unwrap();
        handler(&session);
        stage.store.add(Rule::always(&Op::ALL, Deed::Hang));
        assert!(in_time(what, session.save()).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn f14_loading_again_from_a_store_that_hangs_ends_at_the_deadline() {
    let stage = Stage::new(quick);
    let session = Browser::logged_in(&stage.engine, "alice").await.begin(&stage.engine).load().await.unwrap();
    stage.store.add(Rule::always(&Op::ALL, Deed::Hang));
    assert!(in_time("reload", session.reload()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn f14_a_request_waits_once_for_its_deadline_and_not_once_for_each_step() {
    let stage = Stage::new(quick);
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    stage.store.slow_down(Duration::from_millis(600));
    let pending = browser.begin(&stage.engine);
    let ((), took) = timed(async {
        pending.load().await.unwrap().insert("a", 1).unwrap();
        stage.store.add(Rule::always(&Op::ALL, Deed::Hang));
        let committed = tokio::time::timeout(minutes(1), pending.commit()).await;
        assert!(committed.expect("it ends").is_err());
    })
    .await;
    assert!(took <= MOST, "a load of 600 ms and a commit took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn f14_the_deadline_does_not_run_while_the_handler_works() {
    let stage = Stage::new(quick);
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let session = pending.load().await.unwrap();
    session.insert("a", 1).unwrap();
    pass(Duration::from_secs(20)).await;
    stage.store.slow_down(Duration::from_millis(100));
    browser.take_in(&pending.commit().await.unwrap());
    assert!(browser.visit(&stage.engine, |session| session.contains("a")).await);
}

#[tokio::test(start_paused = true)]
async fn f14_a_page_of_devices_from_a_store_that_hangs_ends_at_the_deadline() {
    let stage = Stage::new(quick);
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    let session = browser.begin(&stage.engine).load().await.unwrap();
    let handle = session.public_id().unwrap();
    stage.store.add(Rule::always(&Op::ALL, Deed::Hang));
    let sessions = stage.engine.sessions();
    assert!(in_time("list", sessions.list("alice")).await.is_err());
    assert!(in_time("count", sessions.count("alice")).await.is_err());
    assert!(in_time("revoke", sessions.revoke("alice", &handle)).await.is_err());
    assert!(in_time("revoke_all", sessions.revoke_all("alice")).await.is_err());
    assert!(in_time("revoke_others", sessions.revoke_others(&session)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn f14_a_session_is_as_it_was_after_a_commit_that_hung() {
    // An end that was decided may still be carried out.
    for (what, handler) in &DEEDS[..4] {
        let stage = Stage::new(quick);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let pending = browser.begin(&stage.engine);
        handler(&pending.load().await.unwrap());
        stage.store.add(Rule::always(&Op::ALL, Deed::Hang));
        assert!(in_time(what, pending.commit()).await.is_err());
        stage.store.recover();
        pass(Duration::from_secs(5)).await;
        assert_eq!(browser.visit(&stage.engine, Session::user).await.as_deref(), Some("alice"), "{what}");
    }
}
