//! Panics that become a 500, and scripts of another origin.

use axum::http::{HeaderValue, Method, header::CONTENT_TYPE};
use axum::{Router, routing::get};
use cloakroom_tower::{Config, ConfigError, SameSite, Session, SessionError, SessionLayer, store::Store};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;

async fn read(session: Session) -> Result<String, SessionError> {
    Ok(format!("visit {}", session.increment("visits", 1)?))
}

async fn fail(session: Session) -> Result<(), SessionError> {
    session.insert("half", "done")?;
    panic!("a bug");
}

fn app(store: impl Store) -> Result<Router, ConfigError> {
    // With a page of another site, and not only of another host, the cookie needs `SameSite=None`.
    let config = Config::default().same_site(SameSite::None);
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static("https://app.example"))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([CONTENT_TYPE])
        .allow_credentials(true);
    Ok(Router::new()
        .route("/api", get(read))
        .route("/api/fail", get(fail))
        .layer(cors) // inside: it adds to responses
        .layer(SessionLayer::with_config(store, config)?)
        .layer(CatchPanicLayer::new())) // outside: it replaces them
}

// The test:

use crate::browser::Browser;
use axum::http::Request;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn a_preflight_makes_no_session_and_a_panic_saves_nothing() {
    let mut browser = Browser::new(app(MemoryStore::new()).unwrap());
    let origin = |request: axum::http::request::Builder| request.header("origin", "https://app.example");
    let preflight = origin(Request::options("/api")).header("access-control-request-method", "POST");
    let preflight = browser.send(preflight, String::new()).await;
    assert_eq!(preflight.headers["access-control-allow-credentials"], "true");
    assert_eq!(preflight.set_cookie(), None);
    let failed = browser.send(origin(Request::get("/api/fail")), String::new()).await;
    assert_eq!((failed.status.as_u16(), failed.set_cookie()), (500, None));
    let page = browser.send(origin(Request::get("/api")), String::new()).await;
    assert_eq!(page.text, "visit 1");
    assert_eq!(page.headers["access-control-allow-origin"], "https://app.example");
    assert!(page.set_cookie().unwrap().contains("; SameSite=None"));
    let vary: Vec<_> = page.headers.get_all("vary").iter().collect();
    assert_eq!(vary.len(), 1, "{vary:?}");
}
