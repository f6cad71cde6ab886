//! A session is saved whatever the response is.

use axum::Router;
use axum::routing::get;
use cloakroom_tower::{Session, SessionError};
use http::{Method, Request, StatusCode};

use crate::client::Client;
use crate::{layer, log_out, read};

fn write_and_answer(session: &Session, status: StatusCode) -> Result<StatusCode, SessionError> {
    session.increment("n", 1)?;
    Ok(status)
}

/// Fails after it has changed its session.
async fn fail(session: Session) -> Result<(), StatusCode> {
    session.increment("n", 1).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Err(StatusCode::BAD_GATEWAY)
}

async fn write_in_the_fallback(session: Session) -> Result<StatusCode, SessionError> {
    write_and_answer(&session, StatusCode::NOT_FOUND)
}

fn client() -> Client {
    let mut router =
        Router::new().route("/read", get(read)).route("/fail", get(fail)).route("/out", get(log_out));
    for status in STATUSES {
        let handler = async move |session: Session| write_and_answer(&session, status);
        router = router.route(&format!("/{}", status.as_u16()), get(handler));
    }
    Client::new(router.fallback(write_in_the_fallback).layer(layer()))
}

const STATUSES: [StatusCode; 7] = [
    StatusCode::NO_CONTENT,
    StatusCode::SEE_OTHER,
    StatusCode::NOT_MODIFIED,
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];

#[tokio::test]
async fn a_first_write_is_kept_and_told_with_every_status() {
    for status in STATUSES {
        let client = client();
        let answer = client.get(&format!("/{}", status.as_u16())).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.set_cookies().len(), 1, "{status}");
        assert_eq!(client.get("/read").await.body, "1", "{status}");
    }
}

#[tokio::test]
async fn a_handler_that_fails_after_it_wrote_has_written() {
    let client = client();
    assert_eq!(client.get("/fail").await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(client.get("/fail").await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(client.get("/read").await.body, "2");
}

#[tokio::test]
async fn a_fallback_has_the_session_too() {
    let client = client();
    assert_eq!(client.get("/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.get("/read").await.body, "1");
}

#[tokio::test]
async fn head_saves_and_tells_like_get_and_has_no_body() {
    let client = client();
    let head = client.send(Request::builder().method(Method::HEAD).uri("/404")).await;
    assert_eq!((head.status, &*head.body), (StatusCode::NOT_FOUND, ""));
    assert_eq!(head.set_cookies().len(), 1);
    let head = client.send(Request::builder().method(Method::HEAD).uri("/read")).await;
    assert_eq!((&*head.body, head.header("vary")), ("", Some("Cookie")));
    assert_eq!(client.get("/read").await.body, "1");
    client.send(Request::builder().method(Method::HEAD).uri("/out")).await;
    assert_eq!(client.cookie(), None);
}
