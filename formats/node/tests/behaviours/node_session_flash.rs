//! The flash values of node-session.

use cloakroom::Session;
use cloakroom::store::Clock as _;
use cloakroom_node::cookie::{Attributes, NodeSessionCookie};

use crate::stage::{Browser, HOUR, SECRET, Stage};

/// Returns the stored body after a request that had this one.
async fn after(body: &str, f: impl AsyncFnOnce(&Session)) -> String {
    let (stage, id) = (Stage::node_session(|preset| preset), "a".repeat(40));
    stage.bodies.node_writes(&id, body, stage.clock.now() + HOUR);
    let cookie = NodeSessionCookie::new("node_session", [SECRET]).unwrap();
    let header = cookie.write(&id, &Attributes::default(), 0).unwrap();
    stage.visit(&mut Browser::with(header.split(';').next().unwrap()), f).await;
    stage.bodies.body(&id).unwrap()
}

/// Asserts that these flash values, and no others of `a`, `b` and `c`, are there for one more request.
fn are_kept(body: &str, names: &[&str]) {
    for name in ["a", "b", "c"] {
        assert_eq!(body.contains(&format!("\"{name}\":1")), names.contains(&name), "{name} in {body}");
    }
    let listed: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    assert!(body.contains(&format!(r#""flash":{{"old":[{}],"new":[]}}"#, listed.join(","))), "{body}");
}

const THREE: &str = r#"{"_token":"t","a":1,"b":1,"c":1,"flash":{"old":["a","b","c"],"new":[]}}"#;
const NOTHING: &str = r#"{"_token":"t","flash":{"old":[],"new":[]}}"#;

#[tokio::test]
async fn n62_the_end_of_a_request_ages_flash_values() {
    are_kept(&after(THREE, async |session| assert!(session.contains("a"))).await, &[]);
}

#[tokio::test]
async fn n64_old_values_go_and_new_ones_become_old() {
    let body = r#"{"_token":"t","a":1,"other":3,"flash":{"old":["a"],"new":[]}}"#;
    let body = after(body, async |session| session.flash("b", 1).unwrap()).await;
    are_kept(&body, &["b"]);
    assert!(body.contains(r#""other":3"#), "{body}");
}

#[tokio::test]
async fn n65_no_flash_value_is_old_at_first() {
    let (stage, mut browser) = (Stage::node_session(|preset| preset), Browser::default());
    stage.count(&mut browser).await;
    are_kept(&stage.body(&browser), &[]);
}

#[tokio::test]
async fn n72_a_flash_value_is_there_in_its_request_and_in_the_next_one() {
    let body = after(NOTHING, async |session| {
        session.flash("a", 1).unwrap();
        assert_eq!(session.get::<u32>("a").unwrap(), Some(1));
    })
    .await;
    are_kept(&body, &["a"]);
    let old = r#"{"_token":"t","a":0,"flash":{"old":["a"],"new":[]}}"#;
    are_kept(&after(old, async |session| session.flash("a", 1).unwrap()).await, &["a"]);
}

#[tokio::test]
async fn n73_all_old_values_are_kept_for_one_more_request() {
    are_kept(&after(THREE, async |session| session.reflash()).await, &["a", "b", "c"]);
}

#[tokio::test]
async fn n74_one_old_value_is_kept_for_one_more_request() {
    are_kept(&after(THREE, async |session| session.keep_flash(["a"])).await, &["a"]);
}

#[tokio::test]
async fn n75_several_old_values_are_kept_for_one_more_request() {
    are_kept(&after(THREE, async |session| session.keep_flash(["a", "c"])).await, &["a", "c"]);
}
