//! A store that fails, in express-session's words.

use std::time::Duration;

use cloakroom::store::ErrorKind as StoreErrorKind;
use cloakroom::{Error, ErrorKind, OutageFallback, StoreOutage};

use crate::stage::{BROWSER, Browser, ID, Stage, sent};
use crate::watched::Asked;

/// A client learns what kind of error it is, and no word of the store's.
fn is_typed(error: &Error, kind: ErrorKind) {
    assert_eq!(error.kind(), kind);
    assert!(!error.to_string().contains("words of the store"), "{error}");
}

fn anonymous() -> Stage {
    let outage = StoreOutage::default().retry_for(Duration::ZERO).fallback(OutageFallback::AnonymousReadOnly);
    Stage::configured(|express| express, |config| config.outage(outage))
}

#[tokio::test(start_paused = true)]
async fn e025_a_read_that_fails_is_an_error_of_the_request() {
    for (failure, kind) in
        [(StoreErrorKind::Setup, ErrorKind::Store), (StoreErrorKind::Unavailable, ErrorKind::Unavailable)]
    {
        let stage = Stage::new();
        let mut browser = stage.node_writes(BROWSER);
        stage.bodies.fail(Asked::Read, failure);
        is_typed(&stage.try_visit(&mut browser, async |_| {}).await.unwrap_err(), kind);
        stage.bodies.mend();
        stage.visit(&mut browser, async |session| assert!(session.contains("views"))).await;
    }
}

#[tokio::test]
async fn e097_a_touch_that_fails_is_an_error_and_the_session_stays() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage.bodies.fail(Asked::Touch, StoreErrorKind::Setup);
    let failed = stage.try_visit(&mut browser, async |session| session.touch()).await;
    is_typed(&failed.unwrap_err(), ErrorKind::Store);
    assert_eq!(stage.bodies.body(ID).as_deref(), Some(BROWSER));
}

#[tokio::test(start_paused = true)]
async fn e102_a_write_that_fails_is_an_error_and_the_session_stays_as_it_was() {
    for (failure, kind) in [
        (StoreErrorKind::Setup, ErrorKind::Store),
        (StoreErrorKind::Unavailable, ErrorKind::Unavailable),
        (StoreErrorKind::TooLarge, ErrorKind::TooLarge),
    ] {
        let stage = Stage::new();
        let mut browser = stage.node_writes(BROWSER);
        stage.bodies.fail(Asked::Write, failure);
        let failed = stage.try_visit(&mut browser, async |session| session.insert("views", 2).unwrap()).await;
        is_typed(&failed.unwrap_err(), kind);
        assert_eq!(stage.bodies.body(ID).as_deref(), Some(BROWSER));
        stage.bodies.mend();
        assert_eq!(stage.count(&mut browser).await, 2);
    }
}

#[tokio::test]
async fn e114_an_end_that_fails_is_an_error_and_the_session_lives_on() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage.bodies.fail(Asked::End, StoreErrorKind::Setup);
    let failed = stage.try_visit(&mut browser, async |session| session.destroy()).await;
    is_typed(&failed.unwrap_err(), ErrorKind::Store);
    assert_eq!(stage.bodies.body(ID).as_deref(), Some(BROWSER));
    stage.bodies.mend();
    stage.visit(&mut browser, async |session| session.destroy()).await;
    assert_eq!(stage.bodies.body(ID), None);
}

#[tokio::test(start_paused = true)]
async fn e121_while_the_store_is_away_there_is_no_session_and_no_cookie() {
    let stage = anonymous();
    let mut browser = stage.node_writes(BROWSER);
    stage.bodies.disconnect();
    let outcome = stage
        .visit(&mut browser, async |session| {
            assert!(!session.exists() && !session.contains("views"));
        })
        .await;
    assert!(sent(&outcome).is_empty());
}

#[tokio::test(start_paused = true)]
async fn e122_when_the_store_is_back_the_session_is_too() {
    let stage = anonymous();
    let mut browser = stage.node_writes(BROWSER);
    stage.bodies.disconnect();
    stage.visit(&mut browser, async |session| assert!(!session.contains("views"))).await;
    stage.bodies.mend();
    assert_eq!(stage.count(&mut browser).await, 2);
    assert_eq!(stage.count(&mut Browser::default()).await, 1);
}
