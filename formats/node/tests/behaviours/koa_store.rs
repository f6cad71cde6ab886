//! A store that fails or is away, in koa-generic-session's words.

use std::time::Duration;

use cloakroom::store::ErrorKind as StoreErrorKind;
use cloakroom::{ErrorKind, OutageFallback, StoreOutage};
use tokio::time::{Instant, sleep};

use crate::stage::{Browser, Stage, sent};
use crate::watched::Asked;

const WAIT: Duration = Duration::from_secs(10);

/// A stage whose requests wait for the store, and a browser with a session.
async fn waiting() -> (Stage, Browser) {
    let outage = StoreOutage::default().retry_for(WAIT).fallback(OutageFallback::FailClosed);
    let stage = Stage::koa(|koa| koa, |config| config.outage(outage).deadline(2 * WAIT));
    let mut browser = Browser::default();
    stage.count(&mut browser).await;
    (stage, browser)
}

#[tokio::test(start_paused = true)]
async fn k51_a_store_that_does_not_come_back_in_time_is_an_error_of_the_request() {
    let (stage, mut browser) = waiting().await;
    stage.bodies.disconnect();
    let begun = Instant::now();
    let error = stage.try_visit(&mut browser, async |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(begun.elapsed() >= WAIT / 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn k52_a_request_that_waits_for_the_store_succeeds_when_it_is_back_in_time() {
    let (stage, mut browser) = waiting().await;
    stage.bodies.disconnect();
    let comes_back = async {
        sleep(WAIT / 2).await;
        stage.bodies.mend();
    };
    let (views, ()) = tokio::join!(stage.count(&mut browser), comes_back);
    assert_eq!(views, 2);
}

#[tokio::test(start_paused = true)]
async fn k54_once_the_store_is_known_to_be_away_one_request_asks_it_and_the_others_fail_at_once() {
    let (stage, browser) = waiting().await;
    stage.bodies.disconnect();
    stage.try_visit(&mut browser.clone(), async |_| {}).await.unwrap_err();
    let begun = Instant::now();
    let visit = async || {
        let error = stage.try_visit(&mut browser.clone(), async |_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        begun.elapsed()
    };
    let (asks, others) = tokio::join!(visit(), async { (visit().await, visit().await) });
    assert!(asks >= WAIT / 2, "{asks:?}");
    assert_eq!(others, (Duration::ZERO, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn k55_a_read_that_would_fail_does_not_matter_without_a_cookie() {
    let (stage, _) = waiting().await;
    stage.bodies.fail(Asked::Read, StoreErrorKind::Unavailable);
    stage.visit(&mut Browser::default(), async |session| assert!(session.is_new())).await;
    assert_eq!(stage.count(&mut Browser::default()).await, 1);
}

#[tokio::test]
async fn k56_a_read_that_fails_is_an_error_of_the_request() {
    let (stage, mut browser) = waiting().await;
    stage.bodies.fail(Asked::Read, StoreErrorKind::Setup);
    let error = stage.try_visit(&mut browser, async |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(!error.to_string().contains("words of the store"), "{error}");
}

#[tokio::test]
async fn k58_a_write_that_fails_is_an_error_of_the_request_and_loses_nothing() {
    let (stage, mut browser) = waiting().await;
    let body = stage.body(&browser);
    stage.bodies.fail(Asked::Write, StoreErrorKind::Setup);
    let failed = stage.try_visit(&mut browser, async |session| session.insert("views", 9).unwrap()).await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(stage.body(&browser), body);
    stage.bodies.mend();
    assert_eq!(stage.count(&mut browser).await, 2);
}

#[tokio::test(start_paused = true)]
async fn k63_a_handler_that_does_not_ask_for_the_session_is_served_while_the_store_fails() {
    let (stage, browser) = waiting().await;
    stage.bodies.disconnect();
    let outcome = stage.engine.begin(&browser.request()).commit().await.unwrap();
    assert!(sent(&outcome).is_empty());
}
