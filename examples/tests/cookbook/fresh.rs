//! Routes that need a log-in of the last minutes.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::routing::{get, post};
use cloakroom_tower::{ErrorKind, FreshLayer, IntoErrorResponse as _, SessionLayer, status_code};
use std::time::Duration;

async fn pay() -> &'static str {
    "paid"
}

async fn prices() -> &'static str {
    "a coat costs 100"
}

fn app(layer: SessionLayer) -> Router {
    let layer = layer.on_error(|error, _request| match error.kind() {
        ErrorKind::NotFresh => {
            (StatusCode::SEE_OTHER, [(LOCATION, "/password")], String::new()).into_error_response()
        }
        kind => (status_code(kind), kind.client_text().to_owned()).into_error_response(),
    });
    Router::new()
        .route("/pay", post(pay))
        .layer(FreshLayer::new(Duration::from_secs(10 * 60))) // the routes above
        .route("/prices", get(prices))
        .layer(layer)
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::{Config, ManualClock, Session, SessionError, Timestamp, stores::MemoryStore};

#[tokio::test]
async fn a_route_needs_a_fresh_log_in_and_others_do_not() {
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
    let config = Config::default().clock(clock.clone());
    let store = MemoryStore::builder().clock(clock.clone()).build();
    let layer = SessionLayer::with_config(store, config).unwrap();
    let log_in = async |session: Session| session.log_in("alice").map_err(SessionError::from);
    let begin = Router::new().route("/log-in", get(log_in)).layer(layer.clone());
    let mut browser = Browser::new(app(layer).merge(begin));
    assert_eq!(browser.post("/pay", "").await.location(), "/password");
    browser.get("/log-in").await;
    assert_eq!(browser.post("/pay", "").await.text, "paid");
    clock.advance(Duration::from_secs(11 * 60));
    assert_eq!(browser.post("/pay", "").await.location(), "/password");
    assert_eq!(browser.get("/prices").await.text, "a coat costs 100");
}
