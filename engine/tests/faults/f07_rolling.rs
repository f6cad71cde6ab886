//! F7: under `rolling`, what needs another cookie and is saved after the response is refused, as without `rolling`.

use cloakroom::{ErrorKind, Session};

use crate::browser::{Browser, Handler};
use crate::stage::Stage;

/// What needs a new id.
const NEEDS_A_COOKIE: [(&str, Handler); 4] = [
    ("a log-in", |session| session.log_in("alice").unwrap()),
    ("a log-in of another user", |session| session.log_in("bob").unwrap()),
    ("a renewal", Session::cycle_id),
    ("a cookie that ends with the browser", |session| session.set_idle_timeout(None)),
];

#[tokio::test(start_paused = true)]
async fn f07_what_needs_a_cookie_is_refused_after_the_response_and_no_user_is_logged_out() {
    for rolling in [false, true] {
        for (what, deed) in NEEDS_A_COOKIE {
            let stage = Stage::new(|config| config.rolling(rolling));
            let mut browser = Browser::logged_in(&stage.engine, "alice").await;
            let pending = browser.begin(&stage.engine);
            let session = pending.load().await.unwrap();
            browser.take_in(&pending.commit().await.unwrap());
            deed(&session);
            let saved = session.save().await.map_err(|error| error.kind());
            assert_eq!(saved, Err(ErrorKind::ResponseSent), "{what}, rolling: {rolling}");
            assert_eq!(browser.visit(&stage.engine, Session::user).await.as_deref(), Some("alice"), "{what}");
            assert_eq!(stage.store.sessions().await, 1, "{what}: no session that cannot be reached");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f07_a_new_session_is_refused_after_the_response() {
    let deeds: [Handler; 3] = [
        |session| session.insert("cart", 1).unwrap(),
        |session| session.log_in("alice").unwrap(),
        Session::reset,
    ];
    for rolling in [false, true] {
        for deed in deeds {
            let stage = Stage::new(|config| config.rolling(rolling));
            let pending = Browser::default().begin(&stage.engine);
            let session = pending.load().await.unwrap();
            let _ = pending.commit().await.unwrap();
            deed(&session);
            let saved = session.save().await.map_err(|error| error.kind());
            assert_eq!(saved, Err(ErrorKind::ResponseSent), "rolling: {rolling}");
            assert_eq!(stage.store.sessions().await, 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f07_a_session_that_begins_after_a_log_out_is_refused_after_the_response() {
    let deeds: [Handler; 3] = [
        |session| {
            session.log_out();
            session.flash("note", "bye").unwrap();
        },
        |session| {
            session.log_out();
            session.log_in("bob").unwrap();
        },
        Session::reset,
    ];
    for rolling in [false, true] {
        for deed in deeds {
            let stage = Stage::new(|config| config.rolling(rolling));
            let browser = Browser::logged_in(&stage.engine, "alice").await;
            let pending = browser.begin(&stage.engine);
            let session = pending.load().await.unwrap();
            let _ = pending.commit().await.unwrap();
            deed(&session);
            let saved = session.save().await.map_err(|error| error.kind());
            assert_eq!(saved, Err(ErrorKind::ResponseSent), "rolling: {rolling}");
            assert_eq!(stage.store.sessions().await, 0, "the old one has ended, and there is no new one");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f07_a_log_in_after_the_response_is_refused_in_a_task_of_its_own_too() {
    let stage = Stage::new(|config| config.rolling(true));
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let session = pending.load().await.unwrap();
    let task = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        session.log_in("alice").unwrap();
        session.save().await.map_err(|error| error.kind())
    });
    browser.take_in(&pending.commit().await.unwrap());
    assert_eq!(task.await.unwrap(), Err(ErrorKind::ResponseSent));
    assert!(browser.has_session(&stage.engine).await);
    assert_eq!(stage.store.sessions().await, 1);
}

#[tokio::test(start_paused = true)]
async fn f07_values_are_still_saved_after_the_response() {
    let stage = Stage::new(|config| config.rolling(true));
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let session = pending.load().await.unwrap();
    browser.take_in(&pending.commit().await.unwrap());
    session.insert("late", 1).unwrap();
    session.save().await.unwrap();
    assert!(browser.visit(&stage.engine, |session| session.contains("late")).await);
}
