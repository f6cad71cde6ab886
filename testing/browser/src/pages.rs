//! A server whose pages a browser fetches ahead, and keeps for going back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use axum::response::Html;
use axum::routing::{MethodRouter, get, post};
use axum::{Router, response::IntoResponse};
use cloakroom_tower::{
    Config, PAGESHOW_SCRIPT, Session, SessionError, SessionLayer, SessionManager, stores::MemoryStore,
};
use tokio::time::{Instant, sleep};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{COOKIE_NAME, Result};

/// A server on this machine, over plain http, which browsers trust like https. Dropping it closes it.
#[derive(Debug)]
pub struct Pages {
    port: u16,
    ahead: Arc<AtomicUsize>,
    manager: SessionManager,
    server: JoinHandle<()>,
}

impl Pages {
    /// Starts a server of its own, whose configuration `change` has changed.
    ///
    /// # Errors
    /// No port is free, or the configuration does not build.
    pub async fn open(change: impl FnOnce(Config) -> Config) -> Result<Self> {
        let config = change(Config::plain_http().cookie_name(COOKIE_NAME));
        let manager = SessionManager::new(MemoryStore::new(), config)?;
        let ahead = Arc::<AtomicUsize>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let app = router(manager.clone(), ahead.clone());
        let server = tokio::spawn(async move {
            let _ended = axum::serve(listener, app).await;
        });
        Ok(Self { port, ahead, manager, server })
    }

    /// Returns the URL of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Ends all sessions of the user, as on another device.
    ///
    /// # Errors
    /// The store fails.
    pub async fn revoke(&self) -> Result {
        self.manager.sessions().revoke_all(USER).await?;
        Ok(())
    }

    /// Waits until the account's page was fetched ahead.
    ///
    /// # Errors
    /// It was not within ten seconds.
    pub async fn wait_for_prefetch(&self) -> Result {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.ahead.load(Ordering::SeqCst) == 0 {
            if Instant::now() > deadline {
                return Err("no page was fetched ahead".into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The user who logs in.
pub const USER: &str = "alice";

fn router(manager: SessionManager, ahead: Arc<AtomicUsize>) -> Router {
    Router::new()
        .route("/account", page(ahead.clone(), false))
        .route("/asks", page(ahead, true))
        .route("/log-in", get(log_in))
        .route("/log-out", post(async |session: Session| session.log_out()))
        .route("/session-state", get(state))
        .layer(SessionLayer::from_manager(manager))
        .route("/", get(Html(HOME)))
        .route("/guesses", get(async || Html(format!("{GUESSES}{HOME}"))))
        .route("/pageshow.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], PAGESHOW_SCRIPT)))
}

fn page(ahead: Arc<AtomicUsize>, asks: bool) -> MethodRouter {
    get(async move |headers: HeaderMap, session: Option<Session>| {
        account(ahead, asks, headers, session).await
    })
}

const HOME: &str = "<p id=\"count\">home</p><a id=\"account\" href=\"/account\">account</a>";

/// Has the browser fetch the account's page ahead.
const GUESSES: &str = "<script type=\"speculationrules\">
    {\"prefetch\": [{\"source\": \"list\", \"urls\": [\"/account\"], \"eagerness\": \"immediate\"}]}
</script>";

async fn log_in(session: Session) -> std::result::Result<Html<&'static str>, SessionError> {
    session.log_in(USER)?;
    Ok(Html("<p id=\"count\">logged in</p>"))
}

async fn state(session: Option<Session>) -> String {
    session.and_then(|session| session.public_id()).map(|id| id.to_string()).unwrap_or_default()
}

/// A page that names the user; if it `asks`, not without a question when it is shown again from a copy.
async fn account(
    ahead: Arc<AtomicUsize>,
    asks: bool,
    headers: HeaderMap,
    session: Option<Session>,
) -> impl IntoResponse {
    let user = session.as_ref().and_then(|session| session.user());
    let state = state(session).await;
    if headers.contains_key("sec-purpose") {
        ahead.fetch_add(1, Ordering::SeqCst);
    }
    let check = if asks {
        format!("<script src=\"/pageshow.js\" data-check=\"/session-state\" data-state=\"{state}\"></script>")
    } else {
        String::new()
    };
    let policy = [(header::CONTENT_SECURITY_POLICY, "default-src 'self'")];
    (policy, Html(format!("<p id=\"count\">{}</p>{check}", user.as_deref().unwrap_or("stranger"))))
}
