//! What responses say: cookies, caching, errors.

use axum::Router;
use axum::routing::get;
use cloakroom_conformance::Reference;
use cloakroom_tower::{SessionLayer, SystemClock};

use crate::client::Client;
use crate::{count, log_out, read};

fn app() -> Router {
    Router::new()
        .route("/", get(count))
        .route("/read", get(read))
        .route("/out", get(log_out))
        .route("/still", get(async || "still"))
        .layer(SessionLayer::new(Reference::new(SystemClock)))
}

#[tokio::test]
async fn a_counter_counts_and_the_cookie_is_sent_once() {
    let client = Client::new(app());
    let first = client.get("/").await;
    assert_eq!(first.body, "1");
    assert_eq!(first.set_cookies().len(), 1);
    let second = client.get("/").await;
    assert_eq!(second.body, "2");
    assert_eq!(second.set_cookies(), [""; 0]);
    assert_eq!(client.get("/read").await.body, "2");
}

#[tokio::test]
async fn r21_a_response_that_sets_the_cookie_is_not_stored_and_one_that_read_it_varies() {
    let client = Client::new(app());
    let first = client.get("/").await;
    assert_eq!(
        (first.header("cache-control"), first.header("vary")),
        (Some("private, no-cache, no-store"), Some("Cookie"))
    );
    let read = client.get("/read").await;
    assert_eq!((read.header("cache-control"), read.header("vary")), (Some("private"), Some("Cookie")));
    let still = client.get("/still").await;
    assert_eq!((still.header("cache-control"), still.header("vary")), (None, None));
}

#[tokio::test]
async fn a_log_out_removes_the_cookie_and_the_session() {
    let client = Client::new(app());
    client.get("/").await;
    let old = client.snapshot();
    let out = client.get("/out").await;
    assert!(out.set_cookies()[0].starts_with("__Host-session=; Max-Age=0"), "{out:?}");
    assert_eq!(client.cookie(), None);
    assert_eq!(old.get("/read").await.body, "0");
}
