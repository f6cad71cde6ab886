//! The methods of express-session's session.

use std::time::Duration;

use cloakroom::ErrorKind;
use cloakroom::store::BodyStore as _;

use crate::stage::{AN_HOUR, BROWSER, Browser, HOUR, ID, SECRET, Stage, cookie, header, sent};
use crate::watched::Asked;

#[tokio::test]
async fn e118_values_last_over_requests_and_are_in_the_store_under_the_id() {
    let stage = Stage::new();
    let mut browser = Browser::default();
    assert_eq!((stage.count(&mut browser).await, stage.count(&mut browser).await), (1, 2));
    assert!(stage.bodies.body(&browser.id()).unwrap().contains(r#""views":2"#));
}

#[tokio::test]
async fn e123_destroy_removes_the_session_and_sends_no_cookie() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    let outcome = stage
        .visit(&mut browser, async |session| {
            session.destroy();
            assert!(!session.contains("views"));
        })
        .await;
    assert!(sent(&outcome).is_empty() && outcome.ended);
    assert_eq!(stage.bodies.body(ID), None);
}

#[tokio::test]
async fn e124_reset_gives_an_empty_session_another_id_and_a_new_cookie() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    let outcome = stage.visit(&mut browser, async |session| session.reset()).await;
    assert!(header(&outcome).starts_with("connect.sid="));
    assert_ne!(browser.id(), ID);
    assert_eq!(stage.bodies.body(ID), None);
    assert!(!stage.body(&browser).contains("views"));
}

#[tokio::test]
async fn e125_reload_brings_what_another_request_has_stored_meanwhile() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage
        .visit(&mut browser, async |session| {
            session.insert("lost", 1).unwrap();
            stage.node_writes(&BROWSER.replace("\"views\":1", "\"views\":9"));
            session.reload().await.unwrap();
            assert_eq!(session.get::<u32>("views").unwrap(), Some(9));
            assert!(!session.contains("lost"));
        })
        .await;
}

#[tokio::test]
async fn e126_the_reload_of_a_session_that_is_gone_is_an_error() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage
        .visit(&mut browser, async |session| {
            drop(stage.bodies.end(ID, None).await.unwrap());
            assert_eq!(session.reload().await.unwrap_err().kind(), ErrorKind::Gone);
        })
        .await;
}

#[tokio::test]
async fn e127_many_reloads_that_fail_end_like_the_first() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage
        .visit(&mut browser, async |session| {
            drop(stage.bodies.end(ID, None).await.unwrap());
            for _ in 0..2_000 {
                assert_eq!(session.reload().await.unwrap_err().kind(), ErrorKind::Gone);
            }
        })
        .await;
}

#[tokio::test]
async fn e128_save_stores_at_once() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage
        .visit(&mut browser, async |session| {
            session.insert("views", 2).unwrap();
            assert_eq!(stage.bodies.body(ID).as_deref(), Some(BROWSER));
            session.save().await.unwrap();
            assert!(stage.bodies.body(ID).unwrap().contains(r#""views":2"#));
        })
        .await;
}

#[tokio::test]
async fn e129_after_a_save_the_end_of_the_request_stores_nothing_more() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage
        .visit(&mut browser, async |session| {
            session.insert("views", 2).unwrap();
            session.save().await.unwrap();
        })
        .await;
    assert_eq!(stage.bodies.count(Asked::Write), 1);
}

#[tokio::test]
async fn e130_after_a_save_and_a_reload_the_end_of_the_request_stores_nothing_more() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage
        .visit(&mut browser, async |session| {
            session.insert("views", 2).unwrap();
            session.save().await.unwrap();
            session.reload().await.unwrap();
            assert_eq!(session.get::<u32>("views").unwrap(), Some(2));
        })
        .await;
    assert_eq!(stage.bodies.count(Asked::Write), 1);
}

#[tokio::test]
async fn e131_a_new_session_that_was_saved_is_not_stored_again_at_the_end() {
    let stage = Stage::express(|express| express.save_uninitialized(false));
    let mut browser = Browser::default();
    let outcome = stage
        .visit(&mut browser, async |session| {
            session.insert("views", 1).unwrap();
            session.save().await.unwrap();
        })
        .await;
    assert_eq!(stage.bodies.count(Asked::Write), 1);
    assert!(header(&outcome).starts_with(&cookie(SECRET, &browser.id())));
}

#[tokio::test]
async fn e132_touch_moves_the_stored_expiry_on() {
    let stage = Stage::express(|express| express.max_age(HOUR));
    let mut browser = stage.node_writes(AN_HOUR);
    let before = stage.bodies.expiry(ID).await;
    stage.clock.advance(Duration::from_secs(1));
    stage.visit(&mut browser, async |session| assert!(session.contains("views"))).await;
    assert_eq!(stage.bodies.expiry(ID).await, before, "a second is too little to be stored unasked");
    stage.visit(&mut browser, async |session| session.touch()).await;
    assert_eq!(stage.bodies.expiry(ID).await, before + Duration::from_secs(1));
}
