//! The playground for programs: JSON in, JSON out.

mod interpret;
mod json;
mod owners;
mod problem;
mod script;
mod show;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cloakroom_tower::{LazySession, Session, SessionLayer, SessionManager};

use super::guard::Refusal;
use json::{Sent, answer};
use problem::Problem;
use script::Script;
use show::Shown;

pub(super) fn router(engine: &SessionManager) -> Router {
    let sessions =
        SessionLayer::from_manager(engine.clone()).on_error(|error, _| Problem::of(error).into_text());
    Router::new()
        .route("/api/untouched", get(untouched))
        .route("/api/session", get(session))
        .route("/api/do", post(run))
        .route("/api/sessions", get(owners::list))
        .route("/api/revoke", post(owners::revoke))
        .layer(sessions)
        .with_state(engine.clone())
}

/// Never uses the session.
async fn untouched() -> Response {
    answer(StatusCode::OK, &serde_json::Map::new())
}

async fn session(session: LazySession) -> Result<Response, Problem> {
    let session = load(&session).await?;
    Ok(answer(StatusCode::OK, &Shown::of(&session, Vec::new())?))
}

/// Runs a script. An invalid script never gets to the session.
async fn run(session: LazySession, Sent(script): Sent<Script>) -> Result<Response, Problem> {
    let session = load(&session).await?;
    let results = interpret::run(&session, script.steps).await?;
    Ok(answer(script.status.into(), &Shown::of(&session, results)?))
}

async fn load(session: &LazySession) -> Result<Session, Problem> {
    Ok(session.load().await?)
}

/// Answers a request that must not get to the session.
pub(super) fn refused(refusal: Refusal) -> Response {
    let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", refusal.sentence());
    ([(CACHE_CONTROL, "no-store")], problem).into_response()
}

pub(super) async fn not_found() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here; the page is at /")
        .into_response()
}

pub(super) async fn method_not_allowed() -> Response {
    let message = "this route has another method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).into_response()
}
