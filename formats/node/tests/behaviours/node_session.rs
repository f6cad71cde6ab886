//! Requests with node-session: its cookie and its ids.

use std::time::Duration;

use cloakroom::store::Clock as _;
use cloakroom_node::cookie::{Attributes, CookieError, NodeSessionCookie};
use cloakroom_node::{NodeSession, NodeValues as _};

use crate::stage::{Browser, HOUR, SECRET, Stage, header, sent};

const BODY: &str = r#"{"_token":"abc","views":1,"flash":{"old":[],"new":[]}}"#;

fn node_session() -> Stage {
    Stage::node_session(|preset| preset)
}

/// Writes a body as Node does, and returns a browser that has its cookie.
fn node_writes(stage: &Stage, id: &str, body: &str) -> Browser {
    stage.bodies.node_writes(id, body, stage.clock.now() + HOUR);
    with_id(SECRET, id)
}

/// Returns a browser whose cookie has this id.
fn with_id(secret: &str, id: &str) -> Browser {
    let cookie = NodeSessionCookie::new("node_session", [secret]).unwrap();
    let header = cookie.write(id, &Attributes::default(), 0).unwrap();
    Browser::with(header.split(';').next().unwrap())
}

/// Returns the header of a first write, if there is one.
async fn first_write(
    set: impl FnOnce(NodeSession) -> NodeSession,
    proxy: Option<bool>,
    mut browser: Browser,
) -> Option<String> {
    let preset = set(NodeSession::new([SECRET]).unwrap());
    let config = match proxy {
        Some(proxy) => preset.config().trust_forwarded_proto(proxy),
        None => preset.config(),
    };
    let stage = Stage::on(config, |bodies| preset.store(bodies));
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    sent(&outcome).first().map(|header| (*header).to_owned())
}

#[test]
fn n9_a_missing_secret_is_refused() {
    assert_eq!(NodeSession::new([""; 0]).unwrap_err(), CookieError::Secret);
    assert_eq!(NodeSession::new([""]).unwrap_err(), CookieError::Secret);
}

#[tokio::test]
async fn n12_a_cookie_that_another_secret_signed_is_not_a_session() {
    let (stage, id) = (node_session(), "a".repeat(40));
    let mut good = node_writes(&stage, &id, BODY);
    stage.visit(&mut with_id("another", &id), async |session| assert!(session.is_new())).await;
    stage.visit(&mut good, async |session| assert!(session.contains("views"))).await;
}

#[tokio::test]
async fn n13_the_cookie_brings_the_session() {
    let (stage, mut browser) = (node_session(), Browser::default());
    assert_eq!((stage.count(&mut browser).await, stage.count(&mut browser).await), (1, 2));
}

#[tokio::test]
async fn n14_the_cookie_lives_for_five_minutes_unless_that_is_set() {
    let header = first_write(|preset| preset, None, Browser::default()).await.unwrap();
    let end = "; Max-Age=300; Path=/; Expires=Thu, 01 Jan 2026 00:05:00 GMT; HttpOnly";
    assert!(header.starts_with("node_session=s%3A") && header.ends_with(end), "{header}");
}

#[tokio::test]
async fn n15_every_response_renews_the_cookie() {
    let (stage, mut browser) = (node_session(), Browser::default());
    stage.count(&mut browser).await;
    for minute in 6..9 {
        stage.clock.advance(Duration::from_secs(60));
        let outcome = stage.visit(&mut browser, async |session| assert!(session.contains("views"))).await;
        let end = format!("; Expires=Thu, 01 Jan 2026 00:0{minute}:00 GMT;");
        assert!(header(&outcome).contains(&end), "{}", header(&outcome));
    }
}

#[tokio::test]
async fn n18_an_id_that_the_store_does_not_know_begins_an_empty_session() {
    let stage = node_session();
    let mut browser = with_id(SECRET, &"a".repeat(40));
    stage.visit(&mut browser, async |session| assert!(session.entries::<u32>().unwrap().is_empty())).await;
    assert_eq!(stage.count(&mut browser).await, 1);
}

#[tokio::test]
async fn n19_an_id_that_the_store_does_not_know_gets_a_new_token() {
    let stage = node_session();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let mut browser = with_id(SECRET, &"a".repeat(40));
        stage.visit(&mut browser, async |session| tokens.push(session.node_session_token().unwrap())).await;
        assert!(stage.body(&browser).contains(&tokens[tokens.len() - 1]));
    }
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn n21_a_cookie_that_outlives_the_browser_names_its_end() {
    let header = first_write(|preset| preset.expire_on_close(false), None, Browser::default()).await;
    assert!(header.unwrap().contains("; Expires="));
}

#[tokio::test]
async fn n22_a_cookie_that_ends_with_the_browser_names_no_end() {
    let header = first_write(|preset| preset.expire_on_close(true), None, Browser::default()).await.unwrap();
    assert!(header.ends_with("; Path=/; HttpOnly") && !header.contains("Max-Age"), "{header}");
}

#[tokio::test]
async fn n23_a_secure_cookie_is_sent_over_https() {
    let header = first_write(NodeSession::secure, None, Browser::over_https()).await;
    assert!(header.unwrap().ends_with("; HttpOnly; Secure"));
}

#[tokio::test]
async fn n24_a_secure_cookie_is_not_sent_over_http() {
    assert_eq!(first_write(NodeSession::secure, None, Browser::default()).await, None);
}

#[tokio::test]
async fn n26_a_trusted_proxy_s_word_makes_a_request_secure() {
    let header = first_write(NodeSession::secure, Some(true), Browser::forwarded("https")).await;
    assert!(header.unwrap().ends_with("; HttpOnly; Secure"));
    assert_eq!(first_write(NodeSession::secure, None, Browser::forwarded("https")).await, None);
}

#[tokio::test]
async fn n27_the_first_of_several_proxies_counts() {
    for (proto, is_sent) in [("https,http", true), ("http,https", false)] {
        let header = first_write(NodeSession::secure, Some(true), Browser::forwarded(proto)).await;
        assert_eq!(header.is_some(), is_sent, "{proto}");
    }
}

#[tokio::test]
async fn n28_a_trusted_proxy_that_says_nothing_gets_no_secure_cookie() {
    assert_eq!(first_write(NodeSession::secure, Some(true), Browser::default()).await, None);
}

#[tokio::test]
async fn n40_an_id_of_40_characters_is_kept() {
    let (stage, id) = (node_session(), "0123456789-_abcdefghijABCDEFGHIJ01234567");
    let mut browser = node_writes(&stage, id, BODY);
    assert_eq!(stage.count(&mut browser).await, 2);
    assert_eq!(browser.id(), id);
}

#[tokio::test]
async fn n41_another_id_gets_a_new_one_though_it_is_signed_and_stored() {
    let dotted = "a".repeat(39) + ".";
    for id in ["a", &"a".repeat(39), &"a".repeat(41), &dotted] {
        let stage = node_session();
        let mut browser = node_writes(&stage, id, BODY);
        assert_eq!(stage.count(&mut browser).await, 1, "{id}");
        assert_eq!(browser.id().len(), 40);
    }
}

#[tokio::test]
async fn n43_a_new_session_has_a_token() {
    let (stage, mut browser) = (node_session(), Browser::default());
    stage.count(&mut browser).await;
    let body = stage.body(&browser);
    let (_, token) = body.split_once(r#""_token":""#).unwrap();
    assert_eq!(token.find('"'), Some(40), "{body}");
}

#[tokio::test]
async fn n44_a_stored_session_brings_its_values() {
    let stage = node_session();
    let mut browser = node_writes(&stage, &"a".repeat(40), BODY);
    stage
        .visit(&mut browser, async |session| {
            assert_eq!(session.get::<u32>("views").unwrap(), Some(1));
            assert_eq!(session.node_session_token().unwrap(), "abc");
        })
        .await;
}
