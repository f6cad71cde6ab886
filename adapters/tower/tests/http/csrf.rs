//! The layer that asks for a CSRF token.

use axum::Router;
use axum::routing::{any, get, post};
use cloakroom_conformance::Reference;
use cloakroom_tower::{CsrfLayer, Session, SessionError, SessionLayer, SystemClock};
use http::{HeaderValue, Method, Request};

use crate::client::{Answer, Client};

async fn token(session: Session) -> Result<String, SessionError> {
    Ok(session.csrf_token()?)
}

async fn log_in(session: Session) -> Result<(), SessionError> {
    Ok(session.log_in("alice")?)
}

async fn count(session: Session) -> Result<String, SessionError> {
    Ok(session.increment("n", 1)?.to_string())
}

fn app() -> Router {
    Router::new()
        .route("/count", any(count))
        .layer(CsrfLayer::new())
        .route("/token", get(token))
        .route("/log-in", post(log_in))
        .layer(SessionLayer::new(Reference::new(SystemClock)))
}

async fn send(client: &Client, method: Method, token: Option<&str>) -> Answer {
    let request = Request::builder().method(method).uri("/count");
    client.send(token.into_iter().fold(request, |request, token| request.header("X-CSRF-Token", token))).await
}

#[tokio::test]
async fn r25_a_request_that_may_change_something_needs_the_token_of_its_session() {
    let (alice, mallory) = (Client::new(app()), Client::new(app()));
    let (good, foreign) = (alice.get("/token").await.body, mallory.get("/token").await.body);
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for bad in [None, Some(""), Some("A"), Some(foreign.as_str())] {
            let answer = send(&alice, method.clone(), bad).await;
            assert_eq!(answer.status, 403, "{method} {bad:?}");
            assert!(answer.body.starts_with("The CSRF token is missing"));
        }
    }
    assert_eq!(send(&alice, Method::POST, Some(&good)).await.body, "1", "nothing that was refused counted");
    let nobody = alice.stranger();
    assert_eq!(send(&nobody, Method::POST, Some(&good)).await.status, 403);
    assert_eq!(nobody.cookie(), None, "a refusal makes no session");
}

#[tokio::test]
async fn a17_reading_needs_no_token_and_a_log_in_changes_it() {
    let client = Client::new(app());
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
        assert_eq!(send(&client, method, None).await.status, 200);
    }
    let old = client.get("/token").await.body;
    client.send(Request::post("/log-in")).await;
    assert_eq!(send(&client, Method::POST, Some(&old)).await.status, 403);
    let new = client.get("/token").await.body;
    assert_eq!(send(&client, Method::POST, Some(&new)).await.body, "5");
}

#[tokio::test]
async fn a_route_without_sessions_says_what_it_needs() {
    let client = Client::new(Router::new().route("/count", post(count)).layer(CsrfLayer::new()));
    let answer = send(&client, Method::POST, Some("A")).await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("SessionLayer::new(store)"));
}

/// A WebSocket handshake, or what looks like one.
fn handshake(lines: &[(&str, &str)]) -> http::request::Builder {
    let request = Request::get("https://shop.test/count").header("host", "shop.test");
    let request = request.header("connection", "Upgrade").header("upgrade", "websocket");
    lines.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

const CROSS_SITE: [&[(&str, &str)]; 10] = [
    &[("origin", "http://shop.test")],
    &[("origin", "https://evil.test")],
    &[("origin", "https://shop.test.evil.test")],
    &[("origin", "https://shop.test:8443")],
    &[("origin", "null")],
    &[("origin", "")],
    &[("origin", "https://sub.shop.test")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("origin", "https://shop.test"), ("origin", "https://evil.test")],
];

const OWN: [&[(&str, &str)]; 5] = [
    &[("origin", "https://shop.test")],
    &[("origin", "https://SHOP.test:443")],
    &[("sec-fetch-site", "same-origin"), ("origin", "https://behind-a-proxy.test")],
    &[("sec-fetch-site", "none")],
    // No browser, so no cookie that a page could misuse.
    &[],
];

#[tokio::test]
async fn a_handshake_of_another_site_is_refused() {
    for lines in CROSS_SITE {
        let answer = Client::new(app()).send(handshake(lines)).await;
        assert_eq!(answer.status, 403, "{lines:?}");
        let answer = Client::new(app()).send(handshake(lines).method(Method::CONNECT)).await;
        assert_eq!(answer.status, 403, "{lines:?}");
    }
}

#[tokio::test]
async fn a_handshake_of_the_own_site_needs_no_token() {
    for lines in OWN {
        let answer = Client::new(app()).send(handshake(lines)).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, "1"), "{lines:?}");
    }
}

#[tokio::test]
async fn a_handshake_of_an_origin_that_is_allowed_needs_no_token() {
    let layer = CsrfLayer::new()
        .allow_origin(HeaderValue::from_static("https://pages.test"))
        .allow_origin(HeaderValue::from_static("https://more.test"));
    let router = Router::new().route("/count", any(count)).layer(layer);
    let client = || Client::new(router.clone().layer(SessionLayer::new(Reference::new(SystemClock))));
    for origin in ["https://pages.test", "https://MORE.test"] {
        let lines = [("origin", origin), ("sec-fetch-site", "cross-site")];
        assert_eq!(client().send(handshake(&lines)).await.status, 200, "{origin}");
    }
    for origin in ["http://pages.test", "https://pages.test.evil.test"] {
        assert_eq!(client().send(handshake(&[("origin", origin)])).await.status, 403, "{origin}");
    }
}
