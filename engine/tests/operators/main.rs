//! What operators need: all sessions page by page, the audit stream, and measurements.

#![expect(clippy::unwrap_used, reason = "a test")]

mod all_sessions;
mod audit;
mod ended;
mod gone;
mod measurements;
mod odd_store;
mod update;

use cloakroom::stores::MemoryStore;
use cloakroom::{Config, PlainRequest, Session, SessionManager};

/// An engine in memory.
fn engine(options: impl FnOnce(Config) -> Config) -> SessionManager {
    let config = Config::plain_http().cookie_name("sid").sweep_interval(None);
    SessionManager::new(MemoryStore::new(), options(config)).unwrap()
}

/// A browser, by the value of its cookie.
#[derive(Clone, Debug, Default)]
struct Browser(Option<String>);

impl Browser {
    fn request(&self) -> PlainRequest {
        self.0
            .as_ref()
            .map_or_else(PlainRequest::default, |id| PlainRequest::with_cookie(format!("sid={id}")))
    }

    /// A whole request.
    async fn visit<T>(&mut self, engine: &SessionManager, handler: impl FnOnce(&Session) -> T) -> T {
        let pending = engine.begin(&self.request());
        let session = pending.load().await.unwrap();
        let result = handler(&session);
        drop(session);
        if let Some(header) = pending.commit().await.unwrap().set_cookie {
            let value = header.strip_prefix("sid=").unwrap().split(';').next().unwrap();
            self.0 = (!value.is_empty()).then(|| value.to_owned());
        }
        result
    }

    async fn logged_in(engine: &SessionManager, user: &str) -> Self {
        let mut browser = Self::default();
        browser.visit(engine, |session| session.log_in(user).unwrap()).await;
        browser
    }

    async fn anonymous(engine: &SessionManager) -> Self {
        let mut browser = Self::default();
        browser.visit(engine, |session| session.insert("cart", 1).unwrap()).await;
        browser
    }

    async fn is_alive(&mut self, engine: &SessionManager) -> bool {
        self.visit(engine, Session::exists).await
    }
}
