//! Values of a session that are changed from outside.

use cloakroom::{Error, ErrorKind, Event, RejectReason, Session};

use super::{Browser, engine};

#[tokio::test]
async fn s1_a_change_from_outside_and_a_request_under_way_are_both_kept() {
    let engine = engine(|config| config);
    let mut browser = Browser::logged_in(&engine, "alice").await;
    let name = engine.sessions().list("alice").await.unwrap()[0].public_id;
    let request = engine.begin(&browser.request());
    let session = request.load().await.unwrap();
    session.increment("points", 1).unwrap();
    let sessions = engine.sessions();
    let changed = sessions.update("alice", &name, |session| {
        assert_eq!((session.id(), session.public_id()), (None, Some(name)), "the id is its client's alone");
        session.insert("role", "guest")?;
        session.increment("points", 10)
    });
    assert_eq!(changed.await.unwrap(), Some(10));
    assert_eq!(request.commit().await.unwrap().set_cookie, None);
    let seen = |session: &Session| (session.get::<String>("role").unwrap(), session.get("points").unwrap());
    assert_eq!(browser.visit(&engine, seen).await, (Some("guest".into()), Some(11)));
}

#[tokio::test]
async fn s3_a_change_from_outside_never_brings_an_ended_session_back() {
    let engine = engine(|config| config);
    let mut browser = Browser::logged_in(&engine, "alice").await;
    let (sessions, old) = (engine.sessions(), browser.clone());
    let name = sessions.list("alice").await.unwrap()[0].public_id;
    let request = engine.begin(&browser.request());
    request.load().await.unwrap().log_out();
    // The log-out arrives while the change is made.
    let changed = sessions.update("alice", &name, |session| {
        let request = request.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { request.commit().await.map(drop).unwrap() });
        })
        .join()
        .unwrap();
        session.insert("role", "guest")
    });
    assert_eq!(changed.await.unwrap(), None);
    assert_eq!(sessions.update("alice", &name, |_| Ok(())).await.unwrap(), None);
    assert!(!old.clone().is_alive(&engine).await);
    browser = Browser::logged_in(&engine, "alice").await;
    assert!(!browser.visit(&engine, |session| session.contains("role")).await);
}

#[tokio::test]
async fn s5_a_change_from_outside_follows_a_renewed_id_and_leaves_flash_values_to_the_client() {
    let engine = engine(|config| config);
    let mut browser = Browser::logged_in(&engine, "alice").await;
    browser.visit(&engine, |session| session.flash("notice", "saved").unwrap()).await;
    let name = engine.sessions().list("alice").await.unwrap()[0].public_id;
    let held = engine.begin(&browser.request()).load().await.unwrap();
    held.keep_flash(["notice"]);
    held.cycle_id();
    held.save().await.unwrap();
    let role = |session: &Session| session.insert("role", "guest");
    assert!(engine.sessions().update("alice", &name, role).await.unwrap().is_some());
    browser = Browser(held.id().map(|id| id.expose().to_owned()));
    let seen = |session: &Session| (session.contains("role"), session.contains("notice"));
    assert_eq!(browser.visit(&engine, seen).await, (true, true));
}

/// What is done to the session of another device.
type Change = fn(&Session) -> Result<(), Error>;

#[tokio::test]
async fn what_only_the_client_can_do_and_what_fails_changes_nothing() {
    let engine = engine(|config| {
        config.observer(|event: &Event| {
            assert!(!matches!(
                event,
                Event::Rejected { reason: RejectReason::Unreadable, .. } | Event::UnsavedChanges
            ));
        })
    });
    let mut browser = Browser::logged_in(&engine, "alice").await;
    let (sessions, other) = (engine.sessions(), Browser::logged_in(&engine, "bob").await);
    let name = sessions.list("alice").await.unwrap()[0].public_id;
    let changes: [Change; 4] = [
        |session| session.log_in("mallory"),
        |session| {
            session.log_out();
            Ok(())
        },
        |session| {
            session.cycle_id();
            Ok(())
        },
        |session| session.insert("a", 1).and_then(|()| session.get::<String>("a").map(drop)),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let error = sessions.update("alice", &name, change).await.unwrap_err();
        let expected = if place == 3 { ErrorKind::Decode } else { ErrorKind::Invalid };
        assert_eq!(error.kind(), expected);
    }
    assert!(sessions.update("bob", &name, |_| Ok(())).await.unwrap().is_none(), "it is of another user");
    let seen = |session: &Session| (session.user(), session.contains("a"));
    assert_eq!(browser.visit(&engine, seen).await, (Some("alice".into()), false));
    drop(other);
}
