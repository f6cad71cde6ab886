//! Sessions by user.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use cloakroom_tower::cloakroom::Result;
use cloakroom_tower::{LazySession, PublicId, Session, SessionInfo, SessionManager, Timestamp};
use serde::{Deserialize, Serialize};

use super::json::{Sent, answer};
use super::problem::Problem;
use super::script::Yes;

#[derive(Deserialize)]
pub(super) struct Wanted {
    user: String,
}

/// A session in the list of its user's. Moments are seconds since 1970.
#[derive(Serialize)]
struct Listed {
    handle: String,
    user: Option<String>,
    started_at: f64,
    last_seen: f64,
    expires_at: f64,
    device: Option<String>,
    /// Whether it is the caller's own.
    current: bool,
}

#[derive(Serialize)]
struct Sessions {
    sessions: Vec<Listed>,
}

pub(super) async fn list(
    State(engine): State<SessionManager>,
    caller: LazySession,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Wanted { user }) = wanted.map_err(|error| Problem::malformed(error.body_text()))?;
    let own = caller.load().await?.public_id();
    let sessions = engine.sessions().list(&user).await?;
    let sessions = sessions.into_iter().map(|info| Listed::of(info, own)).collect();
    Ok(answer(StatusCode::OK, &Sessions { sessions }))
}

impl Listed {
    fn of(info: SessionInfo, own: Option<PublicId>) -> Self {
        Self {
            handle: info.public_id.to_string(),
            user: info.user,
            started_at: seconds(info.started_at),
            last_seen: seconds(info.last_seen),
            expires_at: seconds(info.expires_at),
            device: info.device,
            current: own == Some(info.public_id),
        }
    }
}

fn seconds(moment: Timestamp) -> f64 {
    moment.since(Timestamp::EPOCH).as_secs_f64()
}

/// Which sessions to end.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    /// All of a user.
    User(String),
    /// The one of that public name.
    Handle(String),
    /// All of the caller's user but the caller's own.
    Others(Yes),
}

#[derive(Serialize)]
struct Revoked {
    revoked: u64,
}

pub(super) async fn revoke(
    State(engine): State<SessionManager>,
    caller: LazySession,
    Sent(target): Sent<Target>,
) -> Result<Response, Problem> {
    let revoked = match target {
        Target::User(user) => engine.sessions().revoke_all(&user).await?,
        Target::Handle(handle) => revoke_one(&engine, &caller.load().await?, &handle.parse()?).await?.into(),
        Target::Others(_) => engine.sessions().revoke_others(&*caller.load().await?).await?,
    };
    Ok(answer(StatusCode::OK, &Revoked { revoked }))
}

/// Looks among the sessions of the caller's user first: looking through all takes longer.
async fn revoke_one(engine: &SessionManager, caller: &Session, handle: &PublicId) -> Result<bool> {
    let sessions = engine.sessions();
    if let Some(user) = caller.user()
        && sessions.revoke(&user, handle).await?
    {
        return Ok(true);
    }
    sessions.revoke_by_id(handle).await
}
