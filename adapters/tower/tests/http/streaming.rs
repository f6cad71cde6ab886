//! Bodies that are made after the headers have left.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use cloakroom_tower::{ErrorKind, Session, SessionError};
use futures_util::stream;

use crate::client::Client;
use crate::{layer, read};

/// Counts before the headers leave, and again in the body.
async fn count_twice(session: Session) -> Result<Body, SessionError> {
    session.increment("n", 1)?;
    let later = async move {
        session.increment("n", 10).unwrap();
        session.save().await.unwrap();
        Ok::<_, std::io::Error>(Bytes::from(session.get_or("n", 0).unwrap().to_string()))
    };
    Ok(Body::from_stream(stream::once(later)))
}

/// Counts in the body and never saves.
async fn forget(session: Session) -> Body {
    let later = async move {
        session.increment("n", 10).unwrap();
        Ok::<_, std::io::Error>(Bytes::from("not saved"))
    };
    Body::from_stream(stream::once(later))
}

/// Saves in the body only: what that says is the body.
async fn begin_late(session: Session) -> Body {
    let later = async move {
        session.insert("n", 1).unwrap();
        let kind = session.save().await.map_err(|error| error.kind());
        let told = if kind == Err(ErrorKind::ResponseSent) { "too late" } else { "what?" };
        Ok::<_, std::io::Error>(Bytes::from(told))
    };
    Body::from_stream(stream::once(later))
}

fn client() -> Client {
    let router = Router::new()
        .route("/", get(count_twice))
        .route("/forget", get(forget))
        .route("/late", get(begin_late))
        .route("/read", get(read));
    Client::new(router.layer(layer()))
}

#[tokio::test]
async fn a_streamed_response_has_saved_its_session_before_the_headers_leave() {
    let client = client();
    let answer = client.get("/").await;
    assert_eq!((&*answer.body, answer.set_cookies().len()), ("11", 1));
    assert_eq!(client.get("/read").await.body, "11");
}

#[tokio::test]
async fn what_a_body_changes_and_does_not_save_is_not_saved() {
    let client = client();
    client.get("/").await;
    assert_eq!(client.get("/forget").await.body, "not saved");
    assert_eq!(client.get("/read").await.body, "11");
}

#[tokio::test]
async fn a_session_cannot_begin_when_the_headers_have_left() {
    let client = client();
    let answer = client.get("/late").await;
    assert_eq!((&*answer.body, answer.set_cookies()), ("too late", vec![]));
    assert_eq!(client.get("/read").await.body, "0");
}
