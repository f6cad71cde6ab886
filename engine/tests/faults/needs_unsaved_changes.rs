//! A write in a task after the response, which is never saved, is reported.
//!
//! `Event::UnsavedChanges` is emitted once, when the last handle of an answered request is dropped and the session
//! has changes that no `save` stored. It has no fields: it is a mistake of the program, not of a session.

use cloakroom::{Event, Session};

use crate::browser::{Browser, Handler};
use crate::stage::{Stage, plain};

/// Changes that are lost unless they are saved.
const CHANGES: [(&str, Handler); 7] = [
    ("a value", |session| session.insert("late", 1).unwrap()),
    ("a removal", |session| assert!(session.remove("mine"))),
    ("a count", |session| drop(session.increment("late", 1))),
    ("a message", |session| session.flash("note", "late").unwrap()),
    ("a log-out", Session::log_out),
    ("a log-in", |session| session.log_in("bob").unwrap()),
    ("an idle time of its own", |session| session.set_idle_timeout(None)),
];

fn told(stage: &Stage) -> usize {
    stage.events.count(|event| *event == Event::UnsavedChanges)
}

/// A request that was answered, and the handle that a task kept.
async fn answered(stage: &Stage) -> Session {
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let session = pending.load().await.unwrap();
    let _ = pending.commit().await.unwrap();
    session
}

#[tokio::test(start_paused = true)]
async fn a_change_in_a_task_after_the_response_that_is_never_saved_is_an_event() {
    for (what, change) in CHANGES {
        let stage = Stage::new(plain);
        let session = answered(&stage).await;
        tokio::spawn(async move { change(&session) }).await.unwrap();
        assert_eq!(told(&stage), 1, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_to_a_session_that_was_only_read_and_settled_is_an_event_too() {
    let stage = Stage::new(plain);
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let session = pending.load().await.unwrap();
    assert!(pending.try_finish().is_some());
    drop(pending);
    session.insert("late", 1).unwrap();
    drop(session);
    assert_eq!(told(&stage), 1);
}

#[tokio::test(start_paused = true)]
async fn several_changes_by_several_handles_are_one_event_when_the_last_is_dropped() {
    let stage = Stage::new(plain);
    let session = answered(&stage).await;
    let other = session.clone();
    session.insert("a", 1).unwrap();
    other.insert("b", 1).unwrap();
    drop(session);
    assert_eq!(told(&stage), 0, "the other handle may still save");
    drop(other);
    assert_eq!(told(&stage), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_saved_or_taken_back_causes_no_event() {
    for (what, change) in &CHANGES[..4] {
        let stage = Stage::new(plain);
        let session = answered(&stage).await;
        change(&session);
        session.save().await.unwrap();
        drop(session);
        let session = answered(&stage).await;
        change(&session);
        session.discard_changes();
        drop(session);
        assert_eq!(told(&stage), 0, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_after_a_save_is_an_event() {
    let stage = Stage::new(plain);
    let session = answered(&stage).await;
    session.insert("a", 1).unwrap();
    session.save().await.unwrap();
    session.insert("b", 1).unwrap();
    drop(session);
    assert_eq!(told(&stage), 1);
}

#[tokio::test(start_paused = true)]
async fn reading_and_writing_before_the_response_causes_no_event() {
    let stage = Stage::new(plain);
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    browser.visit(&stage.engine, |session| session.insert("a", 1).unwrap()).await;
    let session = answered(&stage).await;
    assert!(session.contains("mine"));
    drop(session);
    assert_eq!(told(&stage), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_client_went_away_causes_no_such_event() {
    let stage = Stage::new(plain);
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    pending.load().await.unwrap().insert("a", 1).unwrap();
    drop(pending);
    assert_eq!(told(&stage), 0);
}
