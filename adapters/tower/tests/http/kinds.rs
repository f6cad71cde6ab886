//! The status of an error, by its kind.

use axum::Router;
use axum::routing::get;
use cloakroom_tower::{
    Config, ErrorKind, Session, SessionError, SessionLayer, status_code, stores::MemoryStore,
};

use crate::client::{Answer, Client};
use crate::{down, engine};

async fn decode(session: Session) -> Result<(), SessionError> {
    session.insert("n", "a word")?;
    session.get::<u32>("n")?;
    Ok(())
}

async fn mismatch(session: Session) -> Result<(), SessionError> {
    session.insert("n", "a word")?;
    session.increment("n", 1)?;
    Ok(())
}

async fn too_large(session: Session) -> Result<(), SessionError> {
    session.insert("n", "a".repeat(2000))?;
    session.save().await?;
    Ok(())
}

async fn too_large_for_the_commit(session: Session) -> Result<(), SessionError> {
    session.insert("n", "a".repeat(2000))?;
    Ok(())
}

async fn csrf(session: Session) -> Result<(), SessionError> {
    Ok(session.require_csrf_token(None)?)
}

async fn nameless(session: Session) -> Result<(), SessionError> {
    Ok(session.log_in("")?)
}

async fn answer(route: axum::routing::MethodRouter) -> Answer {
    let config = Config::plain_http().max_size(1000);
    let layer = SessionLayer::with_config(MemoryStore::new(), config).unwrap();
    Client::new(Router::new().route("/", route).layer(layer)).get("/").await
}

#[tokio::test]
async fn f23_a_mistake_of_the_client_is_not_a_500() {
    assert_eq!(answer(get(csrf)).await.status, 403);
    assert_eq!(answer(get(nameless)).await.status, 400);
    assert_eq!(answer(get(too_large)).await.status, 413);
    assert_eq!(answer(get(too_large_for_the_commit)).await.status, 413);
}

#[tokio::test]
async fn f23_a_mistake_of_the_application_is_a_500() {
    assert_eq!(answer(get(decode)).await.status, 500);
    assert_eq!(answer(get(mismatch)).await.status, 500);
}

#[tokio::test]
async fn f23_every_kind_has_its_status_and_the_kind_itself_says_so() {
    let kinds = [
        (ErrorKind::CsrfRejected, 403),
        (ErrorKind::Invalid, 400),
        (ErrorKind::TooLarge, 413),
        (ErrorKind::Decode, 500),
        (ErrorKind::Encode, 500),
        (ErrorKind::Mismatch, 500),
        (ErrorKind::Contended, 503),
        (ErrorKind::Unavailable, 503),
        (ErrorKind::Gone, 409),
        (ErrorKind::Store, 500),
        (ErrorKind::Random, 500),
        (ErrorKind::ResponseSent, 500),
        (ErrorKind::Unsupported, 500),
    ];
    for (kind, status) in kinds {
        assert_eq!(status_code(kind).as_u16(), status, "{kind:?}");
    }
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_is_a_409_and_an_outage_a_503_that_says_when_to_come_back() {
    let engine = engine();
    let client = Client::new(
        Router::new()
            .route("/", get(crate::count))
            .route("/out", get(crate::log_out))
            .layer(SessionLayer::from_manager(engine)),
    );
    client.get("/").await;
    let answer = Client::new(Router::new().route("/", get(crate::count)).layer(down::layer())).get("/").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("1")));
}
