//! F3 (S14): `save` is Ok if and only if the session is alive, whatever there is to save.

use cloakroom::store::ErrorKind as StoreErrorKind;
use cloakroom::{ErrorKind, Session};

use crate::browser::{Browser, Handler};
use crate::clock::{minutes, pass};
use crate::stage::{Stage, plain};
use crate::store::{Deed, Op, Rule};

/// What there is to save.
const CHANGES: [(&str, Handler); 5] = [
    ("nothing", |_| {}),
    ("a touch", Session::touch),
    ("a value", |session| session.insert("late", 1).unwrap()),
    ("a count", |session| drop(session.increment("count", 1))),
    ("a value that was read", |session| drop(session.get::<u64>("mine"))),
];

/// What another request does meanwhile, and whether the session is alive afterwards.
const ELSEWHERE: [(&str, Handler, bool); 8] = [
    ("nothing", |_| {}, true),
    ("a write", |session| session.insert("other", 1).unwrap(), true),
    ("a renewal", Session::cycle_id, true),
    ("a log-out", Session::log_out, false),
    ("an end", Session::destroy, false),
    ("a reset", Session::reset, false),
    ("a log-in", |session| session.log_in("alice").unwrap(), false),
    ("a log-in of another user", |session| session.log_in("bob").unwrap(), false),
];

/// A long-lived handle, and the browser that goes on without it.
async fn handle(stage: &Stage) -> (Browser, Session) {
    handle_of(stage, true).await
}

/// The same; the response was sent, as that of a WebSocket, or is still under way.
async fn handle_of(stage: &Stage, responded: bool) -> (Browser, Session) {
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let session = pending.load().await.unwrap();
    if responded {
        let _ = pending.commit().await.unwrap();
    }
    (browser, session)
}

async fn verdict(session: &Session) -> Result<(), ErrorKind> {
    session.save().await.map_err(|error| error.kind())
}

/// Saves twice after each change and each deed elsewhere; what was answered wrongly.
async fn wrong_answers(responded: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (what, change) in CHANGES {
        for (elsewhere, deed, alive) in ELSEWHERE {
            let stage = Stage::new(plain);
            let (mut browser, session) = handle_of(&stage, responded).await;
            browser.visit(&stage.engine, deed).await;
            change(&session);
            let expected = if alive { Ok(()) } else { Err(ErrorKind::Gone) };
            for turn in ["first", "second"] {
                let saved = verdict(&session).await;
                if saved != expected {
                    wrong.push(format!("{turn} save of {what} after {elsewhere}: {saved:?}"));
                }
            }
        }
    }
    wrong
}

#[tokio::test(start_paused = true)]
async fn f03_save_after_the_response_is_ok_if_and_only_if_the_session_is_alive() {
    let wrong = wrong_answers(true).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f03_save_before_the_response_is_ok_if_and_only_if_the_session_is_alive() {
    let wrong = wrong_answers(false).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f03_save_during_an_outage_is_an_error_and_ok_afterwards() {
    for (what, change) in CHANGES {
        let stage = Stage::new(plain);
        let (_browser, session) = handle(&stage).await;
        change(&session);
        stage.store.add(Rule::always(&Op::ALL, Deed::Fail(StoreErrorKind::Unavailable)));
        assert_eq!(verdict(&session).await, Err(ErrorKind::Unavailable), "with {what} to save");
        stage.store.recover();
        pass(minutes(1)).await;
        assert_eq!(verdict(&session).await, Ok(()), "with {what} to save");
    }
}

#[tokio::test(start_paused = true)]
async fn f03_save_of_a_handle_that_was_renewed_elsewhere_many_times_is_ok() {
    for (what, change) in CHANGES {
        let stage = Stage::new(plain);
        let (mut browser, session) = handle(&stage).await;
        for _ in 0..5 {
            browser.visit(&stage.engine, Session::cycle_id).await;
            pass(minutes(1)).await;
        }
        change(&session);
        assert_eq!(verdict(&session).await, Ok(()), "with {what} to save");
        browser.visit(&stage.engine, Session::log_out).await;
        assert_eq!(verdict(&session).await, Err(ErrorKind::Gone), "with {what} to save");
    }
}

#[tokio::test(start_paused = true)]
async fn f03_save_says_that_a_session_was_revoked() {
    for (what, change) in CHANGES {
        let stage = Stage::new(plain);
        let (_browser, session) = handle(&stage).await;
        stage.engine.sessions().revoke_all("alice").await.unwrap();
        change(&session);
        assert_eq!(verdict(&session).await, Err(ErrorKind::Gone), "with {what} to save");
    }
}

#[tokio::test(start_paused = true)]
async fn f03_save_says_that_a_session_has_expired() {
    for (what, change) in CHANGES {
        for sweeps in [false, true] {
            let stage = Stage::new(|config| config.idle_timeout(minutes(5)));
            let (_browser, session) = handle(&stage).await;
            pass(minutes(6)).await;
            if sweeps {
                stage.engine.sweep().await.unwrap();
            }
            change(&session);
            assert_eq!(verdict(&session).await, Err(ErrorKind::Gone), "with {what} to save");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f03_save_without_changes_costs_one_trip() {
    let stage = Stage::new(plain);
    let (_browser, session) = handle(&stage).await;
    for change in [|_: &Session| {}, Session::touch] {
        stage.store.forget_trips();
        change(&session);
        session.save().await.unwrap();
        assert_eq!(stage.store.all_trips(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn f03_a_handle_that_only_touches_does_not_outlive_a_log_out() {
    let stage = Stage::new(plain);
    let (mut browser, session) = handle(&stage).await;
    for _ in 0..3 {
        pass(minutes(20)).await;
        session.touch();
        assert_eq!(verdict(&session).await, Ok(()));
    }
    browser.visit(&stage.engine, Session::log_out).await;
    pass(minutes(20)).await;
    session.touch();
    assert_eq!(verdict(&session).await, Err(ErrorKind::Gone));
}

#[tokio::test(start_paused = true)]
async fn f03_a_handle_that_only_touches_keeps_a_renewed_session_alive_and_not_the_redirect() {
    for times in 1..=3 {
        let stage = Stage::new(plain);
        let (mut browser, session) = handle(&stage).await;
        for _ in 0..times {
            browser.visit(&stage.engine, Session::cycle_id).await;
            pass(minutes(1)).await;
        }
        // Only the handle asks for the session, for longer than its idle time.
        for _ in 0..12 {
            pass(minutes(20)).await;
            session.touch();
            assert_eq!(verdict(&session).await, Ok(()));
        }
        assert_eq!(browser.visit(&stage.engine, Session::user).await.as_deref(), Some("alice"));
    }
}

#[tokio::test(start_paused = true)]
async fn f03_save_without_changes_counts_as_activity_when_that_is_due() {
    let stage = Stage::new(plain);
    let (mut browser, session) = handle(&stage).await;
    for _ in 0..6 {
        pass(minutes(20)).await;
        session.save().await.unwrap();
    }
    assert!(browser.has_session(&stage.engine).await);
}
