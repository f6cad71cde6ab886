//! Options whose effect is in the adapter: errors with their operation, transports, named sessions, a peek.

use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, web};
use cloakroom_actix::{
    BearerTransport, Config, LazySession, Named, Operation, ProxyTrust, Secure, Session, SessionError,
    SessionMiddleware, SessionName, status_code, stores::MemoryStore,
};

use crate::client::{get, send};
use crate::{count, down, log_out};

/// What an error handler was given: what was being done, and the path.
type Heard = (Option<Operation>, String);

fn sessions(change: impl FnOnce(Config) -> Config) -> SessionMiddleware {
    SessionMiddleware::with_config(MemoryStore::new(), change(Config::plain_http())).unwrap()
}

#[actix_web::test]
async fn b17_the_error_handler_gets_the_error_what_was_being_done_and_the_request() {
    let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
    let hears = heard.clone();
    let middleware = down::sessions().on_error(move |error, request| {
        hears.lock().unwrap().push((error.operation(), request.path().to_owned()));
        HttpResponse::ImATeapot().finish()
    });
    let app = App::new().wrap(middleware).route("/read", web::get().to(count));
    let app = init_service(app.route("/write", web::get().to(count))).await;
    assert_eq!(get(&app, "", "/write").await.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(
        get(&app, &format!("session={}", "A".repeat(43)), "/read").await.status,
        StatusCode::IM_A_TEAPOT
    );
    let expected = [(Some(Operation::Commit), "/write".into()), (Some(Operation::Load), "/read".into())];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[actix_web::test]
async fn a_worded_outage_has_the_configured_status_unless_it_chose_its_own() {
    for (own, expected) in
        [(None, StatusCode::TOO_MANY_REQUESTS), (Some(StatusCode::IM_A_TEAPOT), StatusCode::IM_A_TEAPOT)]
    {
        let middleware = down::sessions_with(|config| config.outage_status(429));
        let middleware = middleware.on_error(move |error, _| {
            HttpResponse::build(own.unwrap_or_else(|| status_code(error.kind()))).body("away")
        });
        let app = init_service(App::new().wrap(middleware).route("/", web::get().to(count))).await;
        let answer = get(&app, "", "/").await;
        assert_eq!((answer.status, answer.body.as_str()), (expected, "away"));
    }
}

#[actix_web::test]
async fn b19_an_id_travels_as_a_bearer_and_cookies_do_not_count() {
    let middleware = sessions(|config| config.transport(BearerTransport));
    let app = App::new().wrap(middleware).route("/", web::get().to(count));
    let app = init_service(app.route("/out", web::get().to(log_out))).await;
    let first = get(&app, "", "/").await;
    let id = first.header("x-session-id");
    assert_eq!((first.body.as_str(), first.header("set-cookie")), ("1", String::new()));
    let bearer =
        |path: &str| TestRequest::get().uri(path).insert_header(("authorization", format!("Bearer {id}")));
    let again = send(&app, "", bearer("/")).await;
    assert_eq!((again.body.as_str(), again.header("vary")), ("2", "*".into()));
    assert_eq!(get(&app, &format!("session={id}"), "/").await.body, "1");
    let out = send(&app, "", bearer("/out")).await;
    assert!(out.headers.contains_key("x-session-id") && out.header("x-session-id").is_empty());
    assert_eq!(send(&app, "", bearer("/")).await.body, "1");
}

struct Admin;

impl SessionName for Admin {
    const COOKIE: &'static str = "admin";
}

async fn both(shop: Session, admin: Named<Admin>) -> Result<String, SessionError> {
    Ok(format!("{} {}", shop.increment("n", 1)?, admin.increment("n", 10)?))
}

#[actix_web::test]
async fn b22_a_handler_has_several_sessions_by_their_names() {
    let admin = sessions(|config| config.cookie_name(Admin::COOKIE));
    let app = App::new().wrap(sessions(|config| config)).wrap(admin).route("/", web::get().to(both));
    let app = init_service(app).await;
    assert_eq!(get(&app, "", "/").await.body, "1 10");
    let without = App::new().wrap(sessions(|config| config)).route("/", web::get().to(both));
    let answer = get(&init_service(without).await, "", "/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

async fn peek(session: LazySession) -> Result<String, SessionError> {
    let Some(seen) = session.peek().await? else { return Ok("none".into()) };
    Ok(seen.get_or("n", 0)?.to_string())
}

#[actix_web::test]
async fn a_peek_uses_nothing_up_and_its_response_varies_all_the_same() {
    let app = App::new().wrap(sessions(|config| config)).route("/", web::get().to(count));
    let app = init_service(app.route("/peek", web::get().to(peek))).await;
    let cookie = get(&app, "", "/").await.cookie();
    let seen = get(&app, &cookie, "/peek").await;
    assert_eq!((seen.body.as_str(), seen.header("vary")), ("1", "Cookie".into()));
    assert_eq!(get(&app, "", "/peek").await.body, "none");
}

#[actix_web::test]
async fn b4_the_address_of_the_connection_is_the_server_s() {
    let trust = ProxyTrust::networks(["10.0.0.0/8"]).unwrap();
    let middleware = sessions(|config| config.secure(Secure::Auto).trust_proxies(trust));
    let app = init_service(App::new().wrap(middleware).route("/", web::get().to(count))).await;
    for (peer, expected) in [("10.1.2.3:80", true), ("192.0.2.1:80", false)] {
        let request = TestRequest::get().uri("/").insert_header(("x-forwarded-proto", "https"));
        let answer = send(&app, "", request.peer_addr(peer.parse().unwrap())).await;
        assert_eq!(answer.header("set-cookie").contains("; Secure"), expected, "{peer}");
    }
}
