//! The layer and the extractors, as an application meets them.
#![allow(clippy::unwrap_used, reason = "a test that is surprised fails")]

mod caching;
mod client;
mod csrf;
mod down;
mod dropped;
mod errors;
mod events;
mod extractors;
mod formats;
mod kinds;
mod layers;
mod options;
mod panics;
mod responses;
mod set_cookie;
mod stacks;
mod statuses;
mod streaming;
mod websocket;

use cloakroom_conformance::Reference;
use cloakroom_tower::{Config, Session, SessionError, SessionLayer, SessionManager, SystemClock};

/// An engine whose cookie is called `session`, for tests that name it.
fn engine() -> SessionManager {
    SessionManager::new(Reference::new(SystemClock), Config::plain_http().cookie_name("session")).unwrap()
}

fn layer() -> SessionLayer {
    SessionLayer::from_manager(engine())
}

async fn count(session: Session) -> Result<String, SessionError> {
    Ok(session.increment("n", 1)?.to_string())
}

async fn read(session: Session) -> Result<String, SessionError> {
    Ok(session.get_or("n", 0)?.to_string())
}

async fn log_out(session: Session) {
    session.log_out();
}
