//! A server of several hosts, whose cookie belongs to their domain.

use axum::{Router, response::Html, routing::get};
use cloakroom_tower::{Config, Session, SessionError, SessionLayer, SessionManager, stores::MemoryStore};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{COOKIE_NAME, Result};

/// The domain whose hosts every [`Browser`](crate::Browser) finds on this machine.
pub const DOMAIN: &str = "cloakroom.test";

/// A server of every host of [`DOMAIN`]; they share a session, below one path. Dropping it closes it.
#[derive(Debug)]
pub struct Shops {
    port: u16,
    server: JoinHandle<()>,
}

impl Shops {
    /// Starts a server of its own for one test.
    ///
    /// # Errors
    /// No port is free.
    pub async fn open() -> Result<Self> {
        let config = Config::plain_http().cookie_name(COOKIE_NAME);
        let config = config.cookie_domain(DOMAIN).cookie_path("/in");
        let engine = SessionManager::new(MemoryStore::new(), config)?;
        let app = Router::new().route("/in", get(count)).route("/in/out", get(log_out));
        let app = app.layer(SessionLayer::from_manager(engine));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let server = tokio::spawn(async move {
            let _ended = axum::serve(listener, app).await;
        });
        Ok(Self { port, server })
    }

    /// Returns the URL of a page of a host.
    pub fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}.{DOMAIN}:{}/{path}", self.port)
    }
}

impl Drop for Shops {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A page that says how often its session was here.
async fn count(session: Session) -> std::result::Result<Html<String>, SessionError> {
    Ok(Html(format!("<p id=\"count\">{}</p>", session.increment("count", 1)?)))
}

/// Logs out, and says so in the same place.
async fn log_out(session: Session) -> Html<&'static str> {
    session.log_out();
    Html("<p id=\"count\">logged out</p>")
}
