//! Options whose effect is in the adapter: errors with their operation, transports, named sessions, a peek.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{get, post};
use cloakroom_tower::{
    BearerTransport, Config, CsrfLayer, HeaderTransport, LazySession, Named, Operation, PeerAddress,
    ProxyTrust, Secure, Session, SessionError, SessionLayer, SessionName, status_code, stores::MemoryStore,
};
use http::request::Builder;
use http::{Request, StatusCode};

use crate::client::{Answer, Client};
use crate::{count, down, log_out};

/// What an error handler was given: what was being done, and the path.
type Heard = (Option<Operation>, String);

fn sessions(change: impl FnOnce(Config) -> Config) -> SessionLayer {
    SessionLayer::with_config(MemoryStore::new(), change(Config::plain_http())).unwrap()
}

#[tokio::test]
async fn b17_the_error_handler_gets_the_error_what_was_being_done_and_the_request() {
    let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
    let hears = heard.clone();
    let layer = down::layer().on_error(move |error, request| {
        hears.lock().unwrap().push((error.operation(), request.uri.path().to_owned()));
        (StatusCode::IM_A_TEAPOT, error.kind().client_text().to_owned())
    });
    let router = Router::new().route("/read", get(count)).route("/write", get(count)).layer(layer);
    let client = Client::new(router);
    assert_eq!(client.get("/write").await.status, StatusCode::IM_A_TEAPOT);
    client.set_cookie("session", &"A".repeat(43));
    assert_eq!(client.get("/read").await.status, StatusCode::IM_A_TEAPOT);
    let expected = [(Some(Operation::Commit), "/write".into()), (Some(Operation::Load), "/read".into())];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_worded_outage_has_the_configured_status_unless_it_chose_its_own() {
    for (own, expected) in
        [(None, StatusCode::TOO_MANY_REQUESTS), (Some(StatusCode::IM_A_TEAPOT), StatusCode::IM_A_TEAPOT)]
    {
        let layer = down::layer_with(|config| config.outage_status(429))
            .on_error(move |error, _| (own.unwrap_or_else(|| status_code(error.kind())), "away".to_owned()));
        let answer = Client::new(Router::new().route("/", get(count)).layer(layer)).get("/").await;
        assert_eq!((answer.status, answer.body.as_str()), (expected, "away"));
    }
}

/// Returns the header that carries an id.
type Way<'a> = &'a dyn Fn(&str) -> (String, String);

async fn send(client: &Client, path: &str, header: Option<(&str, &str)>) -> Answer {
    let request = Request::get(path);
    client.send(header.into_iter().fold(request, |request, (name, value)| request.header(name, value))).await
}

#[tokio::test]
async fn b19_an_id_travels_in_a_header_or_as_a_bearer_and_cookies_do_not_count() {
    let header = sessions(|config| config.transport(HeaderTransport::new("X-Session-Id").unwrap()));
    let bearer = sessions(|config| config.transport(BearerTransport));
    let own = |id: &str| ("x-session-id".to_owned(), id.to_owned());
    let authorization = |id: &str| ("authorization".to_owned(), format!("bearer {id}"));
    let ways: [(SessionLayer, Way<'_>); 2] = [(header, &own), (bearer, &authorization)];
    for (layer, way) in ways {
        let router = Router::new().route("/", get(count)).route("/out", get(log_out)).layer(layer);
        let client = Client::new(router);
        let first = client.get("/").await;
        let id = first.header("x-session-id").unwrap().to_owned();
        assert_eq!((first.body.as_str(), first.header("set-cookie")), ("1", None));
        assert_eq!(first.header("cache-control"), Some("private, no-cache, no-store"));
        let (name, value) = way(&id);
        let again = send(&client, "/", Some((&name, &value))).await;
        assert_eq!((again.body.as_str(), again.header("x-session-id")), ("2", None));
        assert_eq!((again.header("vary"), again.header("cache-control")), (Some("*"), Some("private")));
        client.set_cookie("session", &id);
        assert_eq!(client.get("/").await.body, "1", "a cookie is not looked at");
        let out = send(&client, "/out", Some((&name, &value))).await;
        assert_eq!(out.header("x-session-id"), Some(""), "the client is to forget it");
        assert_eq!(send(&client, "/", Some((&name, &value))).await.body, "1");
    }
    for wrong in ["", "x session", "cookie", "Authorization", "x:y"] {
        assert_eq!(HeaderTransport::new(wrong).unwrap_err().options(), ["transport"], "{wrong}");
    }
}

#[tokio::test]
async fn b19_no_csrf_token_is_asked_for_where_no_browser_sends_the_id_by_itself() {
    for (layer, expected) in [
        (sessions(|config| config.transport(BearerTransport)), StatusCode::OK),
        (sessions(|config| config), StatusCode::FORBIDDEN),
    ] {
        let router = Router::new().route("/", post(count)).layer(CsrfLayer::new()).layer(layer);
        assert_eq!(Client::new(router).send(Request::post("/")).await.status, expected);
    }
}

struct Admin;

impl SessionName for Admin {
    const COOKIE: &'static str = "admin";
}

async fn both(shop: Session, admin: Named<Admin>) -> Result<String, SessionError> {
    assert_eq!(format!("{admin:?}"), "Named(admin)");
    Ok(format!("{} {}", shop.increment("n", 1)?, admin.increment("n", 10)?))
}

#[tokio::test]
async fn b22_a_handler_has_several_sessions_by_their_names() {
    let admin = || sessions(|config| config.cookie_name(Admin::COOKIE));
    let client =
        Client::new(Router::new().route("/", get(both)).layer(sessions(|config| config)).layer(admin()));
    assert_eq!(client.get("/").await.body, "1 10");
    assert_eq!(client.get("/").await.body, "2 20");
    let without = Client::new(Router::new().route("/", get(both)).layer(sessions(|config| config)));
    assert_eq!(without.get("/").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}

async fn peek(session: LazySession) -> Result<String, SessionError> {
    let Some(seen) = session.peek().await? else { return Ok("none".into()) };
    Ok(format!("{} {:?}", seen.get_or("n", 0)?, seen.get::<String>("note")?))
}

async fn flash(session: Session) -> Result<(), SessionError> {
    Ok(session.flash("note", "hello")?)
}

#[tokio::test]
async fn a_peek_uses_nothing_up_and_its_response_varies_all_the_same() {
    let router = Router::new().route("/", get(count)).route("/flash", get(flash)).route("/peek", get(peek));
    let client = Client::new(router.layer(sessions(|config| config)));
    let nothing = client.get("/peek").await;
    assert_eq!((nothing.body.as_str(), nothing.header("vary")), ("none", Some("Cookie")));
    client.get("/").await;
    client.get("/flash").await;
    for _ in 0..2 {
        let seen = client.get("/peek").await;
        assert_eq!((seen.body.as_str(), seen.header("vary")), ("1 Some(\"hello\")", Some("Cookie")));
        assert_eq!((seen.header("cache-control"), seen.header("set-cookie")), (Some("private"), None));
    }
}

#[tokio::test]
async fn b4_the_address_of_the_connection_is_what_a_layer_outside_says() {
    let layer = sessions(|config| {
        config.secure(Secure::Auto).trust_proxies(ProxyTrust::networks(["10.0.0.0/8"]).unwrap())
    });
    let client = Client::new(Router::new().route("/", get(count)).layer(layer));
    for (peer, expected) in [(Some("10.1.2.3"), true), (Some("192.0.2.1"), false), (None, false)] {
        let request = Request::get("/").header("x-forwarded-proto", "https");
        let peer = peer.map(|peer| PeerAddress(peer.parse().unwrap()));
        let request = peer.into_iter().fold(request, Builder::extension);
        let answer = client.stranger().send(request).await;
        assert_eq!(answer.header("set-cookie").unwrap().contains("; Secure"), expected, "{peer:?}");
    }
}
