//! Step 6 of the guide: the sessions of Express move to a store of Rust's, and no user is logged out.

use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{Request, Response};
use axum::{Router, routing::get};
use cloakroom_node::{Express, MemoryBodies};
use cloakroom_sqlite::SqliteStore;
use cloakroom_tower::stores::MigratingStore;
use cloakroom_tower::{Session, SessionError, SessionLayer};
use tower::ServiceExt;

use crate::Result;

async fn visits(session: Session) -> Result<String, SessionError> {
    Ok(session.increment("visits", 1)?.to_string())
}

/// Sends a request through a layer; returns the page, and the cookie that it sets.
async fn visit(layer: SessionLayer, cookie: &str) -> Result<(String, Option<String>)> {
    let request = Request::get("/").header(COOKIE, cookie).body(Body::empty())?;
    let response: Response<Body> =
        Router::new().route("/", get(visits)).layer(layer).oneshot(request).await?;
    let set_cookie = response.headers().get(SET_COOKIE).map(|line| line.to_str().map(str::to_owned));
    let cookie = set_cookie.transpose()?.and_then(|line| Some(line.split_once(';')?.0.to_owned()));
    Ok((String::from_utf8(to_bytes(response.into_body(), 1 << 16).await?.to_vec())?, cookie))
}

async fn open(
    path: &Path,
    express: &Express,
    bodies: MemoryBodies,
) -> Result<(SessionLayer, Arc<SqliteStore>)> {
    let old = Arc::new(express.store(bodies));
    let new = Arc::new(SqliteStore::open(path).await?);
    let store = MigratingStore::write_through(old, new.clone());
    let layer = SessionLayer::with_config(store, express.config())?;
    Ok((layer, new))
}

fn alone(new: Arc<SqliteStore>, express: &Express) -> Result<SessionLayer> {
    let config = express.config().max_sessions_per_user(10);
    let layer = SessionLayer::with_config(new, config)?;
    Ok(layer)
}

#[tokio::test]
async fn a_session_of_express_moves_with_its_next_request_and_keeps_its_cookie() -> Result {
    let folder = tempfile::tempdir()?;
    let (express, bodies) = (Express::new(["a secret"])?, MemoryBodies::default());
    let before = SessionLayer::with_config(express.store(bodies.clone()), express.config())?;
    let (page, cookie) = visit(before, "").await?;
    let cookie = cookie.ok_or("no cookie")?;
    assert_eq!(page, "1");

    let (layer, new) = open(&folder.path().join("sessions.db"), &express, bodies).await?;
    assert_eq!(visit(layer, &cookie).await?, ("2".to_owned(), None));
    assert_eq!(visit(alone(new, &express)?, &cookie).await?, ("3".to_owned(), None));
    Ok(())
}
