//! F4: a loaded request under way is activity, however long it takes. Adapters poll `keep_alive` beside the handler.

use std::time::Duration;

use cloakroom::{RequestSession, Session};

use crate::browser::Browser;
use crate::clock::pass;
use crate::stage::Stage;

fn short(config: cloakroom::Config) -> cloakroom::Config {
    config.idle_timeout(Duration::from_secs(2))
}

/// What an adapter does: the handler, and beside it what keeps the session alive.
async fn beside<T>(pending: &RequestSession, handler: impl Future<Output = T>) -> T {
    let mut handler = std::pin::pin!(handler);
    tokio::select! {
        result = &mut handler => result,
        () = pending.keep_alive() => handler.await,
    }
}

#[tokio::test(start_paused = true)]
async fn f04_a_request_that_takes_longer_than_the_idle_time_keeps_its_session() {
    for millis in [3_500, 60_000] {
        let stage = Stage::new(short);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let pending = browser.begin(&stage.engine);
        let session = pending.load().await.unwrap();
        beside(&pending, pass(Duration::from_millis(millis))).await;
        session.insert("uploaded", true).unwrap();
        drop(session);
        browser.take_in(&pending.commit().await.unwrap());
        assert!(browser.visit(&stage.engine, |session| session.contains("uploaded")).await);
        assert_eq!(browser.visit(&stage.engine, Session::user).await.as_deref(), Some("alice"));
    }
}

#[tokio::test(start_paused = true)]
async fn f04_a_request_that_loads_its_session_late_is_activity_from_then_on() {
    let stage = Stage::new(short);
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let handler = async {
        pass(Duration::from_secs(1)).await;
        let session = pending.load().await.unwrap();
        pass(Duration::from_secs(5)).await;
        session.insert("uploaded", true).unwrap();
    };
    beside(&pending, handler).await;
    browser.take_in(&pending.commit().await.unwrap());
    assert!(browser.visit(&stage.engine, |session| session.contains("uploaded")).await);
}

#[tokio::test(start_paused = true)]
async fn f04_a_request_that_never_looks_at_its_session_is_not_activity_and_costs_no_trip() {
    let stage = Stage::new(short);
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    stage.store.forget_trips();
    beside(&pending, pass(Duration::from_secs(10))).await;
    assert_eq!(stage.store.all_trips(), 0);
    assert!(!browser.has_session(&stage.engine).await);
}

#[tokio::test(start_paused = true)]
async fn f04_a_long_request_does_not_keep_a_session_alive_that_was_logged_out() {
    let stage = Stage::new(short);
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let _session = pending.load().await.unwrap();
    let old = browser.clone();
    browser.visit(&stage.engine, Session::log_out).await;
    beside(&pending, pass(Duration::from_secs(10))).await;
    assert!(!old.clone().has_session(&stage.engine).await);
    assert_eq!(stage.store.sessions().await, 0);
}

#[tokio::test(start_paused = true)]
async fn f04_a_long_request_follows_a_renewal() {
    let stage = Stage::new(short);
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let _session = pending.load().await.unwrap();
    browser.visit(&stage.engine, Session::cycle_id).await;
    beside(&pending, pass(Duration::from_secs(10))).await;
    assert!(browser.has_session(&stage.engine).await);
}

#[tokio::test(start_paused = true)]
async fn f04_a_long_request_does_not_write_more_often_than_touches_are_due() {
    let stage = Stage::new(|config| config.idle_timeout(Duration::from_secs(100)));
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let _session = pending.load().await.unwrap();
    stage.store.forget_trips();
    beside(&pending, pass(Duration::from_secs(1_000))).await;
    // A tenth of the idle time must pass between two touches: a hundred would be one for each.
    assert!((10..=101).contains(&stage.store.all_trips()), "{} trips", stage.store.all_trips());
}
