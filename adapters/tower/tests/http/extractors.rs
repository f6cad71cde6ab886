//! `Session`, `LazySession`, and what they say when they cannot.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use cloakroom_tower::{ErrorKind, LazySession, Session, SessionError, SessionLayer};
use http::StatusCode;

use crate::client::Client;
use crate::{count, down, layer, read};

/// Looks at the session only on one page.
async fn page(Path(page): Path<String>, session: LazySession) -> Result<String, SessionError> {
    if page == "imprint" {
        return Ok("imprint".into());
    }
    let session = session.load().await?;
    Ok(session.increment("n", 1)?.to_string())
}

async fn both(lazy: LazySession, session: Session) -> Result<String, SessionError> {
    session.increment("n", 1)?;
    Ok(lazy.load().await?.get_or("n", 0)?.to_string())
}

/// A handler that can do without.
async fn perhaps(session: Result<Session, SessionError>) -> String {
    match session {
        Ok(_) => "with".into(),
        Err(error) => format!("without: {:?}", error.kind()),
    }
}

fn app(layer: SessionLayer) -> Client {
    let router = Router::new()
        .route("/", get(count))
        .route("/page/{page}", get(page))
        .route("/both", get(both))
        .route("/perhaps", get(perhaps))
        .layer(layer);
    let client = Client::new(router);
    // An id that might be one, so that a store is asked.
    client.set_cookie("session", &"A".repeat(43));
    client
}

#[tokio::test]
async fn a_lazy_session_asks_no_store_until_it_is_loaded() {
    let client = app(down::layer());
    let imprint = client.get("/page/imprint").await;
    assert_eq!((imprint.status, imprint.header("vary")), (StatusCode::OK, None));
    assert_eq!(client.get("/page/home").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_lazy_session_that_is_loaded_is_a_session() {
    let client = app(layer());
    assert_eq!(client.get("/page/home").await.body, "1");
    assert_eq!(client.get("/page/home").await.body, "2");
    assert_eq!(client.get("/both").await.body, "3");
}

#[tokio::test]
async fn an_outage_is_a_503_that_tells_nothing_and_touches_no_cookie() {
    let answer = app(down::layer()).get("/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body, "The session could not be reached. Please try again.");
    assert_eq!(answer.set_cookies(), [""; 0]);
    assert!(!format!("{answer:?}").contains(down::ITS_WORDS));
}

#[tokio::test]
async fn a_handler_may_do_without_a_session_that_cannot_be_loaded() {
    assert_eq!(app(layer()).get("/perhaps").await.body, "with");
    let without = format!("without: {:?}", Some(ErrorKind::Unavailable));
    assert_eq!(app(down::layer()).get("/perhaps").await.body, without);
}

#[tokio::test]
async fn the_error_of_a_route_without_the_layer_names_the_cure() {
    let router =
        Router::new().route("/", get(read)).route("/lazy/{page}", get(page)).route("/perhaps", get(perhaps));
    let client = Client::new(router);
    for path in ["/", "/lazy/imprint"] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.body.contains(".layer(SessionLayer::new(store))"), "{}", answer.body);
    }
    assert_eq!(client.get("/perhaps").await.body, "without: None");
}

#[tokio::test]
async fn the_error_of_a_route_that_was_added_after_the_layer_names_the_cure() {
    let router = Router::new().route("/in", get(read)).layer(layer()).route("/out", get(read));
    let client = Client::new(router);
    assert_eq!(client.get("/in").await.status, StatusCode::OK);
    let out = client.get("/out").await;
    assert!(out.body.contains("after the `.route(..)`"), "{}", out.body);
}

/// Greets a client that has a session, and begins none for others.
async fn greet(session: Option<Session>) -> String {
    session.map_or_else(|| "a stranger".into(), |session| session.get_or("n", 0).unwrap().to_string())
}

#[tokio::test]
async fn an_optional_session_is_absent_without_a_stored_one_and_an_error_when_the_store_is_down() {
    let router =
        |layer: SessionLayer| Router::new().route("/", get(count)).route("/greet", get(greet)).layer(layer);
    let client = Client::new(router(layer()));
    let stranger = client.get("/greet").await;
    assert_eq!((stranger.body.as_str(), stranger.header("set-cookie")), ("a stranger", None));
    client.get("/").await;
    assert_eq!(client.get("/greet").await.body, "1");
    let down = Client::new(router(down::layer()));
    down.set_cookie("session", &"A".repeat(43));
    assert_eq!(down.get("/greet").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_session_for_tests_does_what_one_of_a_request_does() {
    let session = Session::for_test().unwrap();
    assert!(session.is_new() && session.user().is_none());
    session.insert("coat", "red").unwrap();
    session.log_in("ada").unwrap();
    session.save().await.unwrap();
    assert_eq!(
        (session.user().as_deref(), session.get("coat").unwrap()),
        (Some("ada"), Some("red".to_owned()))
    );
    session.log_out();
    assert_eq!((session.user(), session.get::<String>("coat").unwrap()), (None, None));
}
