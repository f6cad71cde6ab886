//! Loading and tampering, in express-session's words.

use std::time::Duration;

use crate::stage::{AN_HOUR, BROWSER, Browser, HOUR, ID, SECRET, Stage, cookie, sent};
use crate::watched::Asked;

/// Asserts that a browser's cookie leads to no session, and that its next one has another id.
async fn starts_anew(stage: &Stage, browser: &mut Browser) {
    stage.visit(browser, async |session| assert!(session.is_new() && !session.contains("views"))).await;
    assert_eq!(stage.count(browser).await, 1);
    assert_ne!(browser.id(), ID);
}

#[tokio::test]
async fn e023_the_first_request_that_writes_stores_a_session_and_sends_its_cookie() {
    let stage = Stage::new();
    let mut browser = Browser::default();
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    assert_eq!(sent(&outcome), [format!("{}; Path=/; HttpOnly", cookie(SECRET, &browser.id()))]);
    assert!(stage.body(&browser).contains(r#""views":1"#));
}

#[tokio::test]
async fn e024_the_cookie_brings_the_same_values_back() {
    let stage = Stage::new();
    let mut browser = Browser::default();
    stage.visit(&mut browser, async |session| session.insert("name", "Zo").unwrap()).await;
    stage
        .visit(&mut browser, async |session| {
            assert_eq!(session.get::<String>("name").unwrap().as_deref(), Some("Zo"));
        })
        .await;
}

#[tokio::test]
async fn e027_two_requests_without_a_cookie_make_two_sessions() {
    let stage = Stage::new();
    let (mut one, mut two) = (Browser::default(), Browser::default());
    assert_eq!((stage.count(&mut one).await, stage.count(&mut two).await), (1, 1));
    assert_ne!(one.id(), two.id());
    assert_eq!((stage.count(&mut one).await, stage.count(&mut two).await), (2, 2));
}

#[tokio::test]
async fn e040_an_id_that_the_store_does_not_know_begins_an_empty_session() {
    let stage = Stage::new();
    let mut browser = Browser::with(&cookie(SECRET, ID));
    stage
        .visit(&mut browser, async |session| {
            assert!(session.is_new() && session.entries::<u32>().unwrap().is_empty());
        })
        .await;
}

#[tokio::test]
async fn e041_an_id_that_the_store_does_not_know_is_not_taken_over() {
    let stage = Stage::new();
    starts_anew(&stage, &mut Browser::with(&cookie(SECRET, ID))).await;
    assert_eq!(stage.bodies.body(ID), None);
}

#[tokio::test]
async fn e042_a_cookie_without_a_signature_is_not_a_session() {
    let stage = Stage::new();
    for value in [format!("s%3A{ID}"), ID.to_owned()] {
        stage.node_writes(BROWSER);
        starts_anew(&stage, &mut Browser::with(&format!("connect.sid={value}"))).await;
    }
}

#[tokio::test]
async fn e043_a_cookie_with_a_wrong_signature_is_not_looked_up() {
    let stage = Stage::new();
    stage.node_writes(BROWSER);
    let mut browser = Browser::with(&cookie("another secret", ID));
    stage.visit(&mut browser, async |session| assert!(session.is_new())).await;
    assert_eq!(stage.bodies.count(Asked::Read), 0);
    let mut good = Browser::with(&cookie(SECRET, ID));
    stage.visit(&mut good, async |session| assert!(!session.is_new())).await;
    assert_eq!(stage.bodies.count(Asked::Read), 1);
}

#[tokio::test]
async fn e044_a_session_that_has_run_out_is_replaced_by_an_empty_one() {
    let stage = Stage::express(|express| express.max_age(HOUR));
    let mut browser = stage.node_writes(AN_HOUR);
    stage.clock.advance(HOUR + Duration::from_millis(1));
    stage.visit(&mut browser, async |session| assert!(session.is_new() && !session.contains("views"))).await;
}

#[tokio::test]
async fn e045_a_session_that_has_run_out_gives_up_its_id() {
    let stage = Stage::express(|express| express.max_age(HOUR));
    let mut browser = stage.node_writes(AN_HOUR);
    stage.clock.advance(HOUR + Duration::from_millis(1));
    starts_anew(&stage, &mut browser).await;
}

#[tokio::test]
async fn e047_a_body_without_a_cookie_object_is_left_alone_and_the_request_is_anonymous() {
    for body in [r#"{"views":1}"#, r#"{"cookie":null,"views":1}"#] {
        let stage = Stage::new();
        let mut browser = stage.node_writes(body);
        starts_anew(&stage, &mut browser).await;
        assert_eq!(stage.bodies.body(ID).as_deref(), Some(body));
    }
}

#[tokio::test]
async fn e031_a_member_named_like_a_method_does_no_harm_and_is_kept() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(&BROWSER.replace("\"views\"", "\"save\":\"x\",\"views\""));
    stage
        .visit(&mut browser, async |session| {
            assert!(!session.contains("save"));
            session.insert("views", 2).unwrap();
            session.save().await.unwrap();
        })
        .await;
    assert!(stage.body(&browser).contains(r#""save":"x","views":2"#), "{}", stage.body(&browser));
}
