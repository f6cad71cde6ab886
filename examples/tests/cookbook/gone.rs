//! A log-in page that says why the user is not logged in any more.

use axum::Router;
use axum::routing::get;
use cloakroom_tower::{Config, EndReason, GoneReason, Session};
use std::time::Duration;

async fn log_in_page(session: Session) -> &'static str {
    match session.gone_because() {
        Some(GoneReason::Ended(EndReason::Revoked)) => "You were logged out on another device.",
        Some(GoneReason::Ended(EndReason::Cap)) => "You logged in on too many devices.",
        Some(GoneReason::Ended(_)) | None => "Please log in.",
        Some(_) => "Your session has ended. Please log in again.",
    }
}

fn config() -> Config {
    Config::default().remember_endings(Duration::from_secs(24 * 60 * 60))
}

fn app() -> Router {
    Router::new().route("/log-in", get(log_in_page))
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::{SessionError, SessionLayer, SessionManager, stores::MemoryStore};

#[tokio::test]
async fn a_page_says_why_the_user_is_logged_out() {
    let manager = SessionManager::new(MemoryStore::new(), config()).unwrap();
    let log_in = async |session: Session| session.log_in("alice").map_err(SessionError::from);
    let app = app().route("/in", get(log_in)).layer(SessionLayer::from_manager(manager.clone()));
    let mut browser = Browser::new(app);
    assert_eq!(browser.get("/log-in").await.text, "Please log in.");
    browser.get("/in").await;
    manager.sessions().revoke_all("alice").await.unwrap();
    assert_eq!(browser.get("/log-in").await.text, "You were logged out on another device.");
}
