//! Attributes of one session's cookie: what its body says counts, whatever the application's options say.

use cloakroom::{ErrorKind, RequestInfo};
use cloakroom_node::Express;
use cloakroom_node::cookie::Attributes;

use crate::stage::{Browser, HOUR, Stage, header, sent};
use crate::watched::Asked;

const HTTPS: Option<&str> = Some("https");

/// Returns what a new session is answered with, and what its body says of the cookie.
async fn begins(
    set: impl FnOnce(Express) -> Express,
    trust: bool,
    proto: Option<&'static str>,
) -> [String; 2] {
    let stage = Stage::configured(set, |config| config.trust_forwarded_proto(trust));
    let mut browser = Browser { forwarded_proto: proto, ..Browser::default() };
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    let sent = sent(&outcome).first().map_or("none", |header| header.split_once(';').unwrap().1).to_owned();
    if sent == "none" {
        return [sent, String::new()];
    }
    let body = stage.body(&browser);
    [sent, body.split_once("},").unwrap().0.to_owned()]
}

#[tokio::test]
async fn e065_a_function_can_choose_the_attributes_of_a_new_session_s_cookie() {
    let chosen = |express: Express| {
        express.cookie(|_, attributes| Attributes { path: None, http_only: false, ..attributes })
    };
    let [sent, body] = begins(|express| chosen(express.secure_auto()), true, HTTPS).await;
    assert_eq!(sent, " Secure");
    assert!(body.ends_with(r#""secure":true,"httpOnly":false,"path":null"#), "{body}");
}

#[tokio::test]
async fn e066_that_function_is_given_the_request() {
    let below = |request: &RequestInfo, attributes| {
        let path = request.path().map(|path| path.split_at(6).0.to_owned());
        Attributes { path, ..attributes }
    };
    let stage = Stage::express(|express| express.cookie(below));
    for (path, expected) in
        [("/admin/users", "; Path=/admin; HttpOnly"), ("/store/7", "; Path=/store; HttpOnly")]
    {
        let mut browser = Browser { path: Some(path), ..Browser::default() };
        let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
        assert!(header(&outcome).ends_with(expected), "{}", header(&outcome));
        let mut elsewhere = Browser { path: Some("/admin/users"), ..browser };
        let again = stage.visit(&mut elsewhere, async |session| session.set_idle_timeout(Some(HOUR))).await;
        assert!(header(&again).contains(&expected[..12]), "the session keeps it: {}", header(&again));
    }
}

#[tokio::test]
async fn a_chosen_path_that_no_cookie_can_have_is_an_error_of_the_handler_and_stores_nothing() {
    let chosen = |_: &RequestInfo, attributes| Attributes {
        path: Some("/; Domain=else.example".into()),
        ..attributes
    };
    let stage = Stage::express(|express| express.cookie(chosen));
    let error = stage.try_visit(&mut Browser::default(), async |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(stage.bodies.count(Asked::Write), 0);
}

#[tokio::test]
async fn e067_an_automatic_same_site_over_https_sets_none() {
    let stage = Stage::express(Express::same_site_auto);
    let mut browser = Browser::over_https();
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    assert!(header(&outcome).ends_with("; Path=/; HttpOnly; SameSite=None"), "{}", header(&outcome));
    assert!(stage.body(&browser).contains(r#""sameSite":"none"}"#), "{}", stage.body(&browser));
}

#[tokio::test]
async fn e068_an_automatic_same_site_is_lax_over_http() {
    let [sent, body] = begins(Express::same_site_auto, false, None).await;
    assert_eq!(sent, " Path=/; HttpOnly; SameSite=Lax");
    assert!(body.ends_with(r#""sameSite":"lax""#), "{body}");
}

#[tokio::test]
async fn e069_a_trusted_proxy_that_says_https_makes_it_none() {
    let [sent, _] = begins(Express::same_site_auto, true, HTTPS).await;
    assert_eq!(sent, " Path=/; HttpOnly; SameSite=None");
}

#[tokio::test]
async fn e070_a_trusted_proxy_that_says_http_makes_it_lax() {
    let [sent, _] = begins(Express::same_site_auto, true, Some("http")).await;
    assert_eq!(sent, " Path=/; HttpOnly; SameSite=Lax");
}

#[tokio::test]
async fn e071_a_proxy_that_is_not_trusted_leaves_it_lax() {
    let [sent, _] = begins(Express::same_site_auto, false, HTTPS).await;
    assert_eq!(sent, " Path=/; HttpOnly; SameSite=Lax");
}

#[tokio::test]
async fn e072_both_automatic_over_https_are_secure_and_none() {
    let both = |express: Express| express.secure_auto().same_site_auto();
    let [sent, body] = begins(both, true, HTTPS).await;
    assert_eq!(sent, " Path=/; HttpOnly; Secure; SameSite=None");
    assert!(body.contains(r#""secure":true"#), "{body}");
}

#[tokio::test]
async fn e073_both_automatic_over_http_are_lax_and_not_secure() {
    let both = |express: Express| express.secure_auto().same_site_auto();
    let [sent, body] = begins(both, true, Some("http")).await;
    assert_eq!(sent, " Path=/; HttpOnly; SameSite=Lax");
    assert!(body.contains(r#""secure":false"#), "{body}");
}

#[tokio::test]
async fn e074_not_secure_and_automatic_over_https_sets_none_without_secure() {
    let options = Attributes { secure: Some(false), ..Attributes::default() };
    let plain = |express: Express| express.attributes(options).unwrap().same_site_auto();
    let [sent, _] = begins(plain, true, HTTPS).await;
    assert_eq!(sent, " Path=/; HttpOnly; SameSite=None");
}

#[tokio::test]
async fn e075_not_secure_and_automatic_over_http_is_lax() {
    let options = Attributes { secure: Some(false), ..Attributes::default() };
    let plain = |express: Express| express.attributes(options).unwrap().same_site_auto();
    let [sent, _] = begins(plain, true, Some("http")).await;
    assert_eq!(sent, " Path=/; HttpOnly; SameSite=Lax");
}

#[tokio::test]
async fn e076_secure_and_automatic_over_https_is_secure_and_none() {
    let secure = |express: Express| express.secure().same_site_auto();
    let [sent, _] = begins(secure, true, HTTPS).await;
    assert_eq!(sent, " Path=/; HttpOnly; Secure; SameSite=None");
}

#[tokio::test]
async fn e077_secure_and_automatic_over_http_sends_no_cookie() {
    let secure = |express: Express| express.secure().same_site_auto();
    assert_eq!(begins(secure, true, Some("http")).await[0], "none");
}

#[tokio::test]
async fn what_was_decided_for_a_session_stays_when_a_later_request_comes_another_way() {
    let stage = Stage::express(|express| express.secure_auto().same_site_auto().max_age(HOUR));
    let mut browser = Browser::over_https();
    stage.count(&mut browser).await;
    let first = stage.visit(&mut browser, async |session| session.insert("views", 7).unwrap()).await;
    assert!(header(&first).ends_with("; HttpOnly; Secure; SameSite=None"), "{}", header(&first));
    browser.https = false;
    let second = stage.visit(&mut browser, async |session| session.insert("views", 8).unwrap()).await;
    assert!(sent(&second).is_empty(), "a cookie that is secure is not sent over http");
}

#[tokio::test]
async fn a_session_that_was_begun_anew_in_the_same_request_decides_as_the_first_did() {
    let stage = Stage::express(Express::same_site_auto);
    let mut browser = Browser::over_https();
    stage.count(&mut browser).await;
    let outcome = stage
        .visit(&mut browser, async |session| {
            session.reset();
            session.insert("views", 1).unwrap();
        })
        .await;
    assert!(header(&outcome).ends_with("; SameSite=None"), "{}", header(&outcome));
    assert!(stage.body(&browser).contains(r#""sameSite":"none""#), "{}", stage.body(&browser));
}

/// What Express writes for a session whose cookie was changed: `req.session.cookie.httpOnly = false` and others.
const CHANGED: &str = r#"{"cookie":{"originalMaxAge":3600000,"priority":"low","expires":"2026-01-01T01:00:00.000Z","httpOnly":false,"path":"/admin","sameSite":"strict"},"views":1}"#;

#[tokio::test]
async fn e133_attributes_that_were_changed_for_one_session_are_sent() {
    let stage = Stage::express(|express| express.max_age(HOUR));
    let mut browser = stage.node_writes(CHANGED);
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 2).unwrap()).await;
    let attributes = "; Path=/admin; Expires=Thu, 01 Jan 2026 01:00:00 GMT; Priority=Low; SameSite=Strict";
    assert!(header(&outcome).ends_with(attributes), "{}", header(&outcome));
}

#[tokio::test]
async fn e136_attributes_of_one_session_come_before_the_application_s_options() {
    let options = Attributes { http_only: true, max_age: Some(60_000), ..Attributes::default() };
    let stage = Stage::express(|express| express.attributes(options).unwrap());
    let mut browser = stage.node_writes(CHANGED);
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 2).unwrap()).await;
    let sent = header(&outcome);
    assert!(sent.contains("; Expires=Thu, 01 Jan 2026 01:00:00 GMT") && !sent.contains("HttpOnly"), "{sent}");
    let kept = r#""httpOnly":false,"path":"/admin","sameSite":"strict"}"#;
    assert!(stage.body(&browser).contains(kept), "{}", stage.body(&browser));
}

const KOA_CHANGED: &str =
    r#"{"cookie":{"httpOnly":false,"path":"/","overwrite":true,"signed":true,"maxAge":86400000},"views":1}"#;

#[tokio::test]
async fn k33_http_only_that_was_switched_off_for_one_session_stays_off_and_the_data_stay() {
    let stage = Stage::koa(|koa| koa.rolling(true), |config| config);
    let mut browser = stage.koa_writes(KOA_CHANGED);
    let outcome = stage.visit(&mut browser, async |session| session.insert("more", 1).unwrap()).await;
    for header in sent(&outcome) {
        assert!(header.contains("; expires=") && !header.contains("httponly"), "{header}");
    }
    assert!(stage.body(&browser).contains(r#""views":1"#));
}

#[tokio::test]
async fn k34_and_is_back_when_it_was_switched_on_again() {
    let stage = Stage::koa(|koa| koa.rolling(true), |config| config);
    let mut browser = stage.koa_writes(&KOA_CHANGED.replace("false", "true"));
    let outcome = stage.visit(&mut browser, async |session| session.insert("more", 1).unwrap()).await;
    assert_eq!(sent(&outcome).len(), 2);
    assert!(sent(&outcome).iter().all(|header| header.ends_with("; httponly")), "{:?}", sent(&outcome));
}

#[tokio::test]
async fn a_koa_cookie_is_secure_over_https_unless_an_option_says_otherwise() {
    for (secure, https, says) in [(None, true, true), (None, false, false), (Some(false), true, false)] {
        let options = Attributes { secure, ..Attributes::default() };
        let stage = Stage::koa(|koa| koa.attributes(options).unwrap(), |config| config);
        let mut browser = Browser { https, ..Browser::default() };
        let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
        let found = sent(&outcome).iter().all(|header| header.contains("; secure"));
        assert_eq!(found, says, "{secure:?}, https: {https}");
    }
}
