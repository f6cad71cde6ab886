//! A request that is dropped before it has its response. (What is dropped in the middle of its commit is in
//! `testing/races`, where the store can be stopped.)

use std::task::{Context, Waker};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use cloakroom_tower::{Session, SessionLayer};
use http::Request;
use http::header::COOKIE;
use tower::ServiceExt;

use crate::client::Client;
use crate::{count, engine, read};

async fn write_and_wait(session: Session) {
    session.increment("n", 41).unwrap();
    std::future::pending::<()>().await;
}

async fn log_out_and_wait(session: Session) {
    session.log_out();
    std::future::pending::<()>().await;
}

fn router() -> Router {
    Router::new()
        .route("/", get(count))
        .route("/read", get(read))
        .route("/write", get(write_and_wait))
        .route("/out", get(log_out_and_wait))
        .layer(SessionLayer::from_manager(engine()))
}

/// Sends a request, lets its handler come to where it waits, and drops it.
fn send_and_drop(router: &Router, client: &Client, path: &str) {
    let cookie = format!("session={}", client.cookie().unwrap());
    let request = Request::get(path).header(COOKIE, cookie).body(Body::empty()).unwrap();
    let mut response = Box::pin(router.clone().oneshot(request));
    assert!(response.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[tokio::test]
async fn a_dropped_request_changes_nothing() {
    let router = router();
    let client = Client::new(router.clone());
    client.get("/").await;
    send_and_drop(&router, &client, "/write");
    assert_eq!(client.get("/read").await.body, "1");
    assert_eq!(client.get("/").await.body, "2");
}

#[tokio::test]
async fn a_dropped_request_that_was_to_log_out_has_logged_out() {
    let router = router();
    let client = Client::new(router.clone());
    client.get("/").await;
    send_and_drop(&router, &client, "/out");
    while client.get("/read").await.body != "0" {
        tokio::task::yield_now().await;
    }
}
