//! F4: a handle finds its session for as long as that lives, however long the handle was quiet.

use cloakroom::{ErrorKind, Session};

use crate::browser::{Browser, Handler};
use crate::clock::{minutes, pass};
use crate::stage::{Stage, plain};

/// What a handle does after a long time.
const USES: [(&str, Handler); 4] = [
    ("nothing", |_| {}),
    ("a touch", Session::touch),
    ("a value", |session| session.insert("late", 1).unwrap()),
    ("a count", |session| drop(session.increment("late", 1))),
];

/// The browser sends a request every five minutes.
async fn browse(stage: &Stage, browser: &mut Browser, for_minutes: u64) {
    for _ in 0..for_minutes / 5 {
        pass(minutes(5)).await;
        assert!(browser.has_session(&stage.engine).await, "the session is in use");
    }
}

#[tokio::test(start_paused = true)]
async fn f04_a_handle_that_was_quiet_through_many_renewals_finds_its_session() {
    for (what, deed) in USES {
        for quiet in [80, 240] {
            let stage = Stage::new(|config| config.renew_every(minutes(10)));
            let mut browser = Browser::logged_in(&stage.engine, "alice").await;
            let pending = browser.begin(&stage.engine);
            let session = pending.load().await.unwrap();
            let _ = pending.commit().await.unwrap();
            browse(&stage, &mut browser, quiet).await;
            deed(&session);
            let saved = session.save().await.map_err(|error| error.kind());
            assert_eq!(saved, Ok(()), "{what} after {quiet} minutes");
            if session.contains("late") {
                assert!(browser.visit(&stage.engine, |session| session.contains("late")).await);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f04_a_handle_that_was_quiet_after_one_renewal_finds_its_session() {
    for (what, deed) in USES {
        let stage = Stage::new(plain);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let pending = browser.begin(&stage.engine);
        let session = pending.load().await.unwrap();
        let _ = pending.commit().await.unwrap();
        browser.visit(&stage.engine, Session::cycle_id).await;
        browse(&stage, &mut browser, 80).await;
        deed(&session);
        assert_eq!(session.save().await.map_err(|error| error.kind()), Ok(()), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn f04_a_handle_that_was_quiet_can_load_its_session_again() {
    let stage = Stage::new(|config| config.renew_every(minutes(10)));
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let session = browser.begin(&stage.engine).load().await.unwrap();
    browse(&stage, &mut browser, 80).await;
    browser.visit(&stage.engine, |session| session.insert("news", 7).unwrap()).await;
    session.reload().await.unwrap();
    assert_eq!(session.get("news").unwrap(), Some(7));
}

#[tokio::test(start_paused = true)]
async fn f04_a_response_that_takes_longer_than_an_hour_saves_what_its_handler_wrote() {
    let stage = Stage::new(|config| config.renew_every(minutes(10)));
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    pending.load().await.unwrap().insert("late", 1).unwrap();
    browse(&stage, &mut browser, 80).await;
    let _ = pending.commit().await.unwrap();
    assert!(browser.visit(&stage.engine, |session| session.contains("late")).await);
}

#[tokio::test(start_paused = true)]
async fn f04_a_log_out_by_a_handle_that_was_quiet_ends_the_session() {
    let stage = Stage::new(|config| config.renew_every(minutes(10)));
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let session = browser.begin(&stage.engine).load().await.unwrap();
    browse(&stage, &mut browser, 80).await;
    session.log_out();
    session.save().await.unwrap();
    assert!(!browser.has_session(&stage.engine).await);
}

#[tokio::test(start_paused = true)]
async fn f04_a_handle_that_was_quiet_does_not_reach_a_session_that_has_ended() {
    let ends: [Handler; 3] = [Session::log_out, Session::reset, |session| session.log_in("alice").unwrap()];
    for end in ends {
        let stage = Stage::new(|config| config.renew_every(minutes(10)));
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let session = browser.begin(&stage.engine).load().await.unwrap();
        browse(&stage, &mut browser, 40).await;
        browser.visit(&stage.engine, end).await;
        pass(minutes(80)).await;
        session.insert("late", 1).unwrap();
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Gone);
    }
}
