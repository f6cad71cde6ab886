//! When express-session stores a session, and when it sends the cookie.

use std::time::Duration;

use cloakroom_node::Express;

use crate::stage::{AN_HOUR, BROWSER, Browser, HOUR, ID, Stage, header, sent};
use crate::watched::Asked;

const MINUTE: Duration = Duration::from_secs(60);

fn saves_new(express: Express) -> Express {
    express.save_uninitialized(true)
}

#[tokio::test]
async fn e087_without_rolling_a_request_that_changes_nothing_sends_no_cookie() {
    let stage = Stage::new();
    let mut browser = Browser::default();
    stage.count(&mut browser).await;
    let outcome = stage.visit(&mut browser, async |session| assert!(session.contains("views"))).await;
    assert!(sent(&outcome).is_empty());
}

#[tokio::test]
async fn e088_rolling_sends_the_cookie_with_every_response() {
    let stage = Stage::express(|express| express.rolling(true));
    let mut browser = Browser::default();
    stage.count(&mut browser).await;
    for _ in 0..3 {
        let outcome = stage.visit(&mut browser, async |_| {}).await;
        assert!(header(&outcome).starts_with("connect.sid="));
    }
}

#[tokio::test]
async fn e089_rolling_sends_no_cookie_for_a_new_session_that_is_not_stored() {
    let stage = Stage::express(|express| express.rolling(true));
    let outcome = stage.visit(&mut Browser::default(), async |_| {}).await;
    assert!(sent(&outcome).is_empty());
    assert_eq!(stage.bodies.count(Asked::Write), 0);
}

#[tokio::test]
async fn e090_rolling_sends_the_cookie_for_a_new_session_that_is_stored() {
    let stage = Stage::express(|express| saves_new(express.rolling(true)));
    let mut browser = Browser::default();
    let outcome = stage.visit(&mut browser, async |_| {}).await;
    assert!(header(&outcome).starts_with("connect.sid="));
    assert!(stage.body(&browser).starts_with(r#"{"cookie":{"#));
}

#[tokio::test]
async fn e091_rolling_sends_the_cookie_for_a_new_session_that_was_changed() {
    let stage = Stage::express(|express| express.rolling(true));
    let mut browser = Browser::default();
    let outcome = stage.visit(&mut browser, async |session| session.insert("a", 1).unwrap()).await;
    assert!(header(&outcome).starts_with("connect.sid="));
    assert!(stage.body(&browser).contains(r#""a":1"#));
}

#[tokio::test]
async fn e093_resave_stores_a_session_that_was_not_changed() {
    let stage = Stage::express(|express| express.resave(true));
    let mut browser = stage.node_writes(BROWSER);
    stage.visit(&mut browser, async |session| assert!(session.contains("views"))).await;
    assert_eq!(stage.bodies.count(Asked::Write), 1);
}

#[tokio::test]
async fn e094_without_resave_a_session_that_was_not_changed_is_not_stored() {
    let stage = Stage::express(|express| express.resave(false));
    let mut browser = stage.node_writes(BROWSER);
    stage.visit(&mut browser, async |session| assert!(session.contains("views"))).await;
    assert_eq!(stage.bodies.count(Asked::Write), 0);
    assert_eq!(stage.body(&browser), BROWSER);
}

#[tokio::test]
async fn e095_without_resave_a_session_is_stored_when_it_was_changed_and_only_then() {
    let stage = Stage::express(|express| express.resave(false));
    let mut browser = stage.node_writes(BROWSER);
    for (writes, value) in [(1, 2), (1, 2), (2, 3)] {
        stage
            .visit(&mut browser, async |session| {
                if session.get::<u32>("views").unwrap() != Some(value) {
                    session.insert("views", value).unwrap();
                }
            })
            .await;
        assert_eq!(stage.bodies.count(Asked::Write), writes);
    }
}

#[tokio::test]
async fn e096_a_nested_member_named_cookie_is_a_change_like_any_other() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage.visit(&mut browser, async |session| session.path("user.cookie").insert(true).unwrap()).await;
    assert_eq!(stage.bodies.count(Asked::Write), 1);
    assert!(stage.body(&browser).contains(r#""user":{"cookie":true}"#), "{}", stage.body(&browser));
}

#[tokio::test]
async fn e099_a_new_session_is_stored_and_its_cookie_sent_where_that_is_switched_on() {
    let stage = Stage::express(saves_new);
    let mut browser = Browser::default();
    let outcome = stage.visit(&mut browser, async |_| {}).await;
    assert!(header(&outcome).starts_with("connect.sid="));
    assert!(stage.body(&browser).starts_with(r#"{"cookie":{"#));
}

#[tokio::test]
async fn e100_a_new_session_is_neither_stored_nor_sent_where_that_is_switched_off() {
    let stage = Stage::express(|express| express.save_uninitialized(false));
    let outcome = stage.visit(&mut Browser::default(), async |_| {}).await;
    assert!(sent(&outcome).is_empty());
    assert_eq!(stage.bodies.count(Asked::Write), 0);
}

#[tokio::test]
async fn e101_a_new_session_that_was_changed_is_stored_where_that_is_switched_off() {
    let stage = Stage::express(|express| express.save_uninitialized(false));
    let mut browser = Browser::default();
    assert_eq!((stage.count(&mut browser).await, stage.count(&mut browser).await), (1, 2));
}

#[tokio::test]
async fn e103_a_new_session_that_is_not_stored_is_not_touched() {
    let stage = Stage::new();
    stage.visit(&mut Browser::default(), async |session| session.touch()).await;
    assert_eq!(stage.bodies.count(Asked::Touch), 0);
    let mut browser = stage.node_writes(BROWSER);
    stage.visit(&mut browser, async |session| session.touch()).await;
    assert!(stage.bodies.count(Asked::Touch) > 0, "one that is stored is touched");
}

#[tokio::test]
async fn e111_discarded_changes_leave_the_stored_session_as_it_is() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage
        .visit(&mut browser, async |session| {
            session.clear();
            session.discard_changes();
        })
        .await;
    assert_eq!(stage.bodies.body(ID).as_deref(), Some(BROWSER));
}

#[tokio::test]
async fn e112_a_destroyed_session_is_removed_at_the_end_of_the_request() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage
        .visit(&mut browser, async |session| {
            session.destroy();
            assert_eq!(stage.bodies.body(ID).as_deref(), Some(BROWSER), "not before the end");
        })
        .await;
    assert_eq!(stage.bodies.body(ID), None);
}

#[tokio::test]
async fn e113_a_new_session_that_is_destroyed_is_neither_stored_nor_sent() {
    for saves_empty in [false, true] {
        let stage = Stage::express(|express| express.save_uninitialized(saves_empty));
        let outcome = stage
            .visit(&mut Browser::default(), async |session| {
                session.insert("views", 1).unwrap();
                session.destroy();
            })
            .await;
        assert!(sent(&outcome).is_empty());
        assert_eq!(stage.bodies.count(Asked::Write), 0);
    }
}

#[tokio::test]
async fn e119_a_cookie_with_a_lifetime_is_sent_only_when_values_changed() {
    let stage = Stage::express(|express| express.max_age(HOUR));
    let mut browser = stage.node_writes(AN_HOUR);
    stage.clock.advance(MINUTE);
    let read = stage.visit(&mut browser, async |session| assert!(session.contains("views"))).await;
    assert!(sent(&read).is_empty());
    let wrote = stage.visit(&mut browser, async |session| session.insert("views", 2).unwrap()).await;
    assert!(header(&wrote).contains("; Expires=Thu, 01 Jan 2026 01:01:00 GMT;"), "{}", header(&wrote));
}

#[tokio::test]
async fn e039_the_stored_date_is_the_one_that_was_sent_and_moves_with_the_next_write() {
    let stage = Stage::express(|express| express.max_age(HOUR));
    let mut browser = Browser::default();
    for minute in ["00", "01"] {
        let outcome = stage
            .visit(&mut browser, async |session| {
                session.increment("views", 1).unwrap();
            })
            .await;
        let sent = format!("; Expires=Thu, 01 Jan 2026 01:{minute}:00 GMT;");
        assert!(header(&outcome).contains(&sent), "{}", header(&outcome));
        let stored = format!(r#""expires":"2026-01-01T01:{minute}:00.000Z""#);
        assert!(stage.body(&browser).contains(&stored), "{}", stage.body(&browser));
        stage.clock.advance(MINUTE);
    }
}
