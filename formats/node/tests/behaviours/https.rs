//! Secure cookies and proxies, in express-session's words.

use cloakroom_node::Express;

use crate::stage::{Browser, Stage, sent};
use crate::watched::Asked;

/// Returns what a first write is answered with: the attributes of the one cookie, or `None` if there is no cookie.
async fn attributes(
    set: impl FnOnce(Express) -> Express,
    proxy: Option<bool>,
    mut browser: Browser,
) -> Option<String> {
    let stage = Stage::configured(set, |config| match proxy {
        Some(proxy) => config.trust_forwarded_proto(proxy),
        None => config,
    });
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    let header = sent(&outcome).first().copied()?;
    Some(header.split_once(';').unwrap().1.to_owned())
}

const SECURE: Option<&str> = Some(" Path=/; HttpOnly; Secure");
const PLAIN: Option<&str> = Some(" Path=/; HttpOnly");

#[tokio::test]
async fn e048_a_trusted_proxy_s_word_makes_a_request_secure() {
    let found = attributes(Express::secure, Some(true), Browser::forwarded("https")).await;
    assert_eq!(found.as_deref(), SECURE);
}

#[tokio::test]
async fn e049_the_first_of_several_proxies_counts() {
    for (proto, answer) in [("https,http", SECURE), ("http, https", None)] {
        let found = attributes(Express::secure, Some(true), Browser::forwarded(proto)).await;
        assert_eq!(found.as_deref(), answer, "{proto}");
    }
}

#[tokio::test]
async fn e050_a_trusted_proxy_that_says_nothing_gets_no_secure_cookie() {
    assert_eq!(attributes(Express::secure, Some(true), Browser::default()).await, None);
}

#[tokio::test]
async fn e051_a_proxy_that_is_not_trusted_is_not_believed() {
    assert_eq!(attributes(Express::secure, Some(false), Browser::forwarded("https")).await, None);
}

#[tokio::test]
async fn e053_a_proxy_is_not_believed_unless_that_is_set() {
    assert_eq!(attributes(Express::secure, None, Browser::forwarded("https")).await, None);
}

#[tokio::test]
async fn e061_an_automatic_cookie_is_secure_where_a_trusted_proxy_says_so() {
    let found = attributes(Express::secure_auto, Some(true), Browser::forwarded("https")).await;
    assert_eq!(found.as_deref(), SECURE);
}

#[tokio::test]
async fn e062_an_automatic_cookie_is_not_secure_where_a_proxy_is_not_trusted() {
    let found = attributes(Express::secure_auto, Some(false), Browser::forwarded("https")).await;
    assert_eq!(found.as_deref(), PLAIN);
}

#[tokio::test]
async fn e063_an_automatic_cookie_is_secure_over_https() {
    assert_eq!(attributes(Express::secure_auto, None, Browser::over_https()).await.as_deref(), SECURE);
}

#[tokio::test]
async fn e064_an_automatic_cookie_is_not_secure_over_http() {
    assert_eq!(attributes(Express::secure_auto, None, Browser::default()).await.as_deref(), PLAIN);
}

#[tokio::test]
async fn e143_a_secure_cookie_is_sent_over_https() {
    assert_eq!(attributes(Express::secure, None, Browser::over_https()).await.as_deref(), SECURE);
}

#[tokio::test]
async fn e144_a_secure_cookie_is_not_sent_over_http_and_the_session_is_stored_all_the_same() {
    let stage = Stage::express(Express::secure);
    let outcome =
        stage.visit(&mut Browser::default(), async |session| session.insert("views", 1).unwrap()).await;
    assert!(sent(&outcome).is_empty());
    assert_eq!(stage.bodies.count(Asked::Write), 1);
}
