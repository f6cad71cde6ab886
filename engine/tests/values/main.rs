//! What values do through the handle that applications hold: with their own code running in between, in parallel
//! requests, and with every type.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod application_code;
mod claim;
mod lenient;
mod merge;
mod round_trip;
mod schema;
mod typed;

use cloakroom::stores::MemoryStore;
use cloakroom::{Config, PlainRequest, RequestSession, Session, SessionManager};

/// An engine and a stored session, whose cookie its requests bring.
pub(crate) struct Site {
    engine: SessionManager,
    cookie: String,
}

impl Site {
    /// Stores a session that `fill` fills.
    pub(crate) async fn new(fill: impl FnOnce(&Session)) -> Self {
        Self::with(Config::default(), fill).await
    }

    pub(crate) async fn with(config: Config, fill: impl FnOnce(&Session)) -> Self {
        let engine = SessionManager::new(MemoryStore::new(), config).unwrap();
        let first = engine.begin(&PlainRequest::default());
        fill(&first.load().await.unwrap());
        let cookie = first.commit().await.unwrap().set_cookie.unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self { engine, cookie }
    }

    /// Begins a request, and loads its session.
    pub(crate) async fn request(&self) -> (RequestSession, Session) {
        let pending = self.engine.begin(&PlainRequest::with_cookie(&self.cookie));
        let session = pending.load().await.unwrap();
        (pending, session)
    }

    /// Reads a value in a request of its own, as text.
    pub(crate) async fn stored(&self, key: &str) -> Option<String> {
        let (_, session) = self.request().await;
        session.get::<serde_json::Value>(key).unwrap().map(|value| value.to_string())
    }
}
