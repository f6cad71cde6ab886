//! Several layers around one service.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cloakroom_conformance::Reference;
use cloakroom_tower::{
    Config, LazySession, RequestSessions, Session, SessionError, SessionLayer, SessionManager, SystemClock,
};
use http::StatusCode;

use crate::client::Client;
use crate::{count, engine, read};

async fn count_first(session: Session, request: Request, next: Next) -> Result<Response, SessionError> {
    session.increment("n", 10)?;
    Ok(next.run(request).await)
}

async fn only_users(session: LazySession, request: Request, next: Next) -> Result<Response, SessionError> {
    if session.load().await?.user().is_none() {
        return Ok(StatusCode::UNAUTHORIZED.into_response());
    }
    Ok(next.run(request).await)
}

#[tokio::test]
async fn two_layers_of_one_name_share_a_session_and_the_outer_one_saves() {
    let (outer, inner) = (engine(), engine());
    let router = Router::new()
        .route("/", get(count))
        .route("/read", get(read))
        .layer(SessionLayer::from_manager(inner.clone()))
        .layer(SessionLayer::from_manager(outer.clone()));
    let client = Client::new(router);
    let first = client.get("/").await;
    assert_eq!((&*first.body, first.set_cookies().len()), ("1", 1));
    assert_eq!(client.get("/").await.body, "2");
    let records =
        async |engine: &SessionManager| engine.store().capabilities().scan.unwrap().count().await.unwrap();
    assert_eq!((records(&outer).await, records(&inner).await), (1, 0));
}

#[tokio::test]
async fn two_layers_of_different_names_keep_two_sessions() {
    let other = Config::plain_http().cookie_name("other");
    let other = SessionLayer::with_config(Reference::new(SystemClock), other).unwrap();
    let inner = Router::new().route("/", get(count)).layer(SessionLayer::from_manager(engine()));
    let client = Client::new(inner.layer(from_fn(count_first)).layer(other));
    let first = client.get("/").await;
    assert_eq!(first.body, "1", "the handler has the inner one");
    let mut names: Vec<&str> =
        first.set_cookies().iter().map(|cookie| cookie.split('=').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["other", "session"]);
    let second = client.get("/").await;
    assert_eq!((&*second.body, second.set_cookies()), ("2", vec![]));
}

/// Adds up what the sessions of these cookies count.
async fn sum(sessions: RequestSessions) -> Result<String, SessionError> {
    let mut sum = 0;
    for (name, weight) in [("a", 1), ("b", 10), ("c", 100)] {
        let Some(pending) = sessions.get(name) else { continue };
        sum += weight * pending.load().await?.increment("n", 1)?;
    }
    Ok(sum.to_string())
}

fn named(name: &str) -> SessionLayer {
    let config = Config::plain_http().cookie_name(name);
    SessionLayer::with_config(Reference::new(SystemClock), config).unwrap()
}

#[tokio::test]
async fn every_session_of_nested_layers_is_reached_by_its_name() {
    let router = Router::new().route("/", get(sum));
    let client = Client::new(router.clone().layer(named("a")).layer(named("b")).layer(named("c")));
    assert_eq!(client.get("/").await.body, "111");
    assert_eq!(client.get("/").await.body, "222");
    let client = Client::new(router.clone().layer(named("a")));
    assert_eq!(client.get("/").await.body, "1");
    assert_eq!(Client::new(router).get("/").await.body, "0", "no layer, no session");
}

#[tokio::test]
async fn a_layer_within_a_layer_of_another_name_still_shares_the_session_of_its_own_name() {
    let router = Router::new().route("/", get(sum)).route("/count", get(count));
    let client = Client::new(router.layer(named("a")).layer(named("b")).layer(named("a")));
    let first = client.get("/").await;
    assert_eq!((&*first.body, first.set_cookies().len()), ("11", 2));
    assert_eq!(client.get("/count").await.body, "2", "the handler has the one of the innermost layer");
}

#[tokio::test]
async fn a_middleware_inside_the_layer_shares_the_handler_s_session() {
    let router = Router::new()
        .route("/", get(count))
        .layer(from_fn(count_first))
        .layer(SessionLayer::from_manager(engine()));
    let client = Client::new(router);
    assert_eq!(client.get("/").await.body, "11");
    assert_eq!(client.get("/").await.body, "22");
}

#[tokio::test]
async fn a_middleware_that_authenticates_reads_what_a_log_in_wrote() {
    let log_in = async |session: Session| -> Result<(), SessionError> { Ok(session.log_in("alice")?) };
    let router = Router::new()
        .route("/private", get(async || "for alice"))
        .layer(from_fn(only_users))
        .route("/in", get(log_in))
        .layer(SessionLayer::from_manager(engine()));
    let client = Client::new(router);
    assert_eq!(client.get("/private").await.status, StatusCode::UNAUTHORIZED);
    client.get("/in").await;
    assert_eq!(client.get("/private").await.body, "for alice");
}
