//! Logging in and out: a new id at log-in, a list of devices, "log out everywhere else".
//!
//! ```console
//! $ cargo run -p cloakroom-examples --bin log-in
//! $ curl -c jar -b jar -d user=alice http://127.0.0.1:3000/log-in
//! $ curl -c jar -b jar http://127.0.0.1:3000/
//! $ curl -c jar -b jar -X POST http://127.0.0.1:3000/log-out
//! ```

use std::fmt::Write;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom_tower::{Config, Session, SessionError, SessionLayer, SessionManager, stores::MemoryStore};
use serde::Deserialize;

#[derive(Deserialize)]
struct LogIn {
    user: String,
}

async fn home(session: Session, State(engine): State<SessionManager>) -> Result<String, SessionError> {
    let Some(user) = session.user() else { return Ok("you are not logged in\n".into()) };
    let mut page = format!("hello {user}, you are logged in here:\n");
    for device in engine.sessions().list(&user).await? {
        let current = if Some(device.public_id) == session.public_id() { " (this one)" } else { "" };
        let _ = writeln!(page, "- {}{current}", device.device.unwrap_or_default());
    }
    Ok(page)
}

/// A real application checks a password here; only then does it call `log_in`.
async fn log_in(session: Session, Form(form): Form<LogIn>) -> Result<StatusCode, SessionError> {
    session.log_in(&form.user)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn log_out(session: Session) -> StatusCode {
    session.log_out();
    StatusCode::NO_CONTENT
}

async fn log_out_others(
    session: Session,
    State(engine): State<SessionManager>,
) -> Result<String, SessionError> {
    let ended = engine.sessions().revoke_others(&session).await?;
    Ok(format!("{ended} other sessions ended\n"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = SessionManager::new(MemoryStore::new(), Config::plain_http().max_sessions_per_user(5))?;
    let app = Router::new()
        .route("/", get(home))
        .route("/log-in", post(log_in))
        .route("/log-out", post(log_out))
        .route("/log-out-others", post(log_out_others))
        .layer(SessionLayer::from_manager(engine.clone()))
        .with_state(engine);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
