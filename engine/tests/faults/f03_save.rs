//! F3 (S14): `save` is Ok if and only if the session is alive, whatever there is to save.

use cloakroom::{ErrorKind, Session};

use crate::browser::Browser;
use crate::clock::{minutes, pass};
use crate::stage::{Stage, plain};

/// What there is to save.
const CHANGES: [(&str, fn(&Session)); 5] = [
    ("nothing", |_| {}),
    ("a touch", Session::touch),
    ("a value", |session| session.insert("late", 1).unwrap()),
    ("a count", |session| drop(session.increment("count", 1))),
    ("a value that was read", |session| drop(session.get::<u64>("mine"))),
];

/// What another request does meanwhile, and whether the session is alive afterwards.
const ELSEWHERE: [(&str, fn(&Session), bool); 8] = [
    ("nothing", |_| {}, true),
    ("a write", |session| session.insert("other", 1).unwrap(), true),
    ("a renewal", Session::renew_id, true),
    ("a log-out", Session::log_out, false),
    ("an end", Session::destroy, false),
    ("a reset", Session::reset, false),
    ("a log-in", |session| session.log_in("alice").unwrap(), false),
    ("a log-in of another user", |session| session.log_in("bob").unwrap(), false),
];

/// A long-lived handle, and the browser that goes on without it.
async fn handle(stage: &Stage) -> (Browser, Session) {
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let session = pending.load().await.unwrap();
    // Its response was sent, as that of a WebSocket.
    let _ = pending.commit().await.unwrap();
    (browser, session)
}

async fn verdict(session: &Session) -> Result<(), ErrorKind> {
    session.save().await.map_err(|error| error.kind())
}

#[tokio::test(start_paused = true)]
async fn f03_save_is_ok_if_and_only_if_the_session_is_alive() {
    let mut wrong = Vec::new();
    for (what, change) in CHANGES {
        for (elsewhere, deed, alive) in ELSEWHERE {
            let stage = Stage::new(plain);
            let (mut browser, session) = handle(&stage).await;
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
    assert!(wrong.is_empty(), "{wrong:#?}");
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
            let stage = Stage::new(|config| config.idle(minutes(5)));
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
            browser.visit(&stage.engine, Session::renew_id).await;
            pass(minutes(1)).await;
        }
        // Nobody but the handle asks for the session for longer than its idle time.
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
