//! A handler that panics.

use axum::Router;
use axum::routing::get;
use cloakroom_tower::{Session, SessionLayer, SessionManager};

use crate::client::Client;
use crate::{count, engine, read};

async fn write_and_panic(session: Session) {
    session.increment("n", 41).unwrap();
    panic!("as the test wants");
}

async fn log_in_and_panic(session: Session) {
    session.log_in("alice").unwrap();
    panic!("as the test wants");
}

async fn log_out_and_panic(session: Session) {
    session.log_out();
    panic!("as the test wants");
}

fn client(engine: SessionManager) -> Client {
    let router = Router::new()
        .route("/", get(count))
        .route("/read", get(read))
        .route("/write", get(write_and_panic))
        .route("/in", get(log_in_and_panic))
        .route("/out", get(log_out_and_panic));
    Client::new(router.layer(SessionLayer::from_manager(engine)))
}

/// Sends a request as a server does: in a task whose panic ends the connection, and nothing else.
async fn panics(client: &Client, path: &'static str) {
    let client = client.clone();
    let task = tokio::spawn(async move { client.get(path).await });
    assert!(task.await.unwrap_err().is_panic());
}

async fn records(engine: &SessionManager) -> u64 {
    engine.store().capabilities().scan.unwrap().count().await.unwrap()
}

#[tokio::test]
async fn a_panic_saves_nothing_and_leaves_nothing() {
    let engine = engine();
    let client = client(engine.clone());
    panics(&client, "/write").await;
    panics(&client, "/in").await;
    assert_eq!((client.cookie(), records(&engine).await), (None, 0));
}

#[tokio::test]
async fn a_panic_leaves_the_session_as_it_was_and_the_next_request_is_served() {
    let engine = engine();
    let client = client(engine.clone());
    client.get("/").await;
    let cookie = client.cookie();
    for path in ["/write", "/in", "/write"] {
        panics(&client, path).await;
    }
    assert_eq!(client.cookie(), cookie);
    assert_eq!(client.get("/read").await.body, "1");
    assert_eq!(client.get("/").await.body, "2");
    assert_eq!(records(&engine).await, 1);
}

#[tokio::test]
async fn a_log_out_is_carried_out_though_its_handler_panics() {
    let engine = engine();
    let client = client(engine.clone());
    client.get("/").await;
    panics(&client, "/out").await;
    while records(&engine).await > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.get("/read").await.body, "0");
}
