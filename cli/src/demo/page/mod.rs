//! The playground for people: one page, plain forms, no script.

mod actions;
mod device;
mod failure;
mod home;
mod layout;
mod posted;
mod view;
mod words;

use axum::Router;
use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use cloakroom_tower::{LazySession, SessionLayer, SessionManager};

use super::guard::Refusal;
pub(crate) use failure::Failure;
use home::Home;
pub(crate) use layout::Page;
pub(crate) use posted::Posted;

pub(super) fn router(engine: &SessionManager) -> Router {
    let sessions =
        SessionLayer::from_manager(engine.clone()).on_error(|error, _| Failure::of(error).into_text());
    Router::new()
        .route("/", get(show))
        .route("/page/increment", post(actions::increment))
        .route("/page/insert", post(actions::insert))
        .route("/page/remove", post(actions::remove))
        .route("/page/flash", post(actions::flash))
        .route("/page/log-in", post(actions::log_in))
        .route("/page/log-out", post(actions::log_out))
        .route("/page/renew", post(actions::renew))
        .route("/page/reset", post(actions::reset))
        .route("/page/revoke", post(actions::revoke))
        .route("/page/revoke-others", post(actions::revoke_others))
        .route("/page/csrf", post(actions::csrf))
        .layer(sessions)
        .with_state(engine.clone())
}

/// Answers a request that must not get to the session.
pub(super) fn refused(refusal: Refusal) -> impl IntoResponse {
    Failure::new(StatusCode::FORBIDDEN, format!("Refused: {}.", refusal.sentence()))
}

async fn show(
    State(engine): State<SessionManager>,
    session: LazySession,
    headers: HeaderMap,
) -> Result<Page, Failure> {
    let host = headers.get(HOST).and_then(|host| HeaderValue::to_str(host).ok());
    let home = Home::look(&engine, &*session.load().await?, host.unwrap_or("127.0.0.1:3000")).await?;
    Ok(Page::ok("Cloakroom", view::home(&home)))
}
