//! A time limit for handlers, outside of the session layer.

use axum::{Router, http::StatusCode, routing::post};
use cloakroom_tower::{Session, SessionError, SessionLayer, store::Store};
use std::time::Duration;
use tower_http::timeout::TimeoutLayer;

async fn order(session: Session) -> Result<&'static str, SessionError> {
    session.insert("paid", true)?;
    tokio::time::sleep(Duration::from_secs(60)).await; // a service that hangs
    session.insert("sent", true)?;
    Ok("ordered")
}

fn app(store: impl Store) -> Router {
    Router::new()
        .route("/order", post(order))
        .layer(SessionLayer::new(store))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(30)))
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test(start_paused = true)]
async fn half_of_an_order_is_not_saved() {
    let mut browser = Browser::new(app(MemoryStore::new()));
    let late = browser.post("/order", "").await;
    assert_eq!(late.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(late.set_cookie(), None);
}
