//! The adapter over HTTP. What holds when requests meet runs over it in testing/races, as the kind `actix`.
#![allow(clippy::unwrap_used, reason = "a test that is surprised fails")]

mod caching;
mod client;
mod csrf;
mod down;
mod errors;
mod fresh;
mod nested;
mod options;
mod server;

use cloakroom_actix::{Config, Session, SessionError, SessionMiddleware, stores::MemoryStore};

/// Sessions in memory, over plain http, in a cookie called `session`.
fn sessions() -> SessionMiddleware {
    named("session")
}

fn named(cookie: &str) -> SessionMiddleware {
    let config = Config::plain_http().cookie_name(cookie);
    SessionMiddleware::with_config(MemoryStore::new(), config).unwrap()
}

async fn count(session: Session) -> Result<String, SessionError> {
    Ok(session.increment("n", 1)?.to_string())
}

async fn read(session: Session) -> Result<String, SessionError> {
    Ok(session.get_or("n", 0)?.to_string())
}

async fn log_out(session: Session) -> &'static str {
    session.log_out();
    "bye"
}
