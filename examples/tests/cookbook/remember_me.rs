//! A box "remember me".

use axum::{Form, Router, routing::post};
use cloakroom_tower::{Config, ConfigError, Session, SessionError, SessionLayer, store::Store};
use std::time::Duration;

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(serde::Deserialize)]
struct LogIn {
    user: String,
    remember: Option<String>,
}

async fn log_in(session: Session, Form(form): Form<LogIn>) -> Result<&'static str, SessionError> {
    // The password is checked here.
    session.log_in(&form.user)?;
    let span = form.remember.map(|_| MONTH); // `None`: as configured, and until the browser is closed
    session.set_idle_timeout(span);
    session.set_absolute_timeout(span)?;
    Ok("logged in")
}

fn app(store: impl Store) -> Result<Router, ConfigError> {
    // For those who do not tick the box: 30 minutes idle, 12 hours at most, and a cookie that ends with the browser.
    let config = Config::default().persistent(false);
    Ok(Router::new().route("/log-in", post(log_in)).layer(SessionLayer::with_config(store, config)?))
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn the_cookie_outlives_the_browser_if_the_box_is_ticked() {
    let mut browser = Browser::new(app(MemoryStore::new()).unwrap());
    let plain = browser.post("/log-in", "user=alice").await;
    assert!(!plain.set_cookie().unwrap().contains("Max-Age"));
    let remembered = browser.post("/log-in", "user=alice&remember=on").await;
    assert!(remembered.set_cookie().unwrap().contains("Max-Age=2592000"), "{remembered:?}");
}
