//! A user logs in and out.

use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom_tower::{Session, SessionError, SessionLayer, store::Store};

#[derive(serde::Deserialize)]
struct LogIn {
    user: String,
    password: String,
}

async fn log_in(session: Session, Form(form): Form<LogIn>) -> Result<Redirect, SessionError> {
    if form.password != "open sesame" {
        // A real program compares with a stored hash.
        return Ok(Redirect::to("/log-in?failed"));
    }
    session.log_in(&form.user)?; // a new id; the values of the guest stay
    Ok(Redirect::to("/"))
}

async fn log_out(session: Session) -> Redirect {
    session.log_out(); // ended in the store, and the cookie is removed
    Redirect::to("/")
}

async fn home(session: Session) -> String {
    format!("hello {}", session.user().unwrap_or_else(|| "guest".to_owned()))
}

fn app(store: impl Store) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/log-in", post(log_in))
        .route("/log-out", post(log_out))
        .layer(SessionLayer::new(store))
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn a_user_logs_in_and_out() {
    let mut browser = Browser::new(app(MemoryStore::new()));
    let refused = browser.post("/log-in", "user=alice&password=guess").await;
    assert_eq!(refused.location(), "/log-in?failed");
    assert_eq!(browser.get("/").await.text, "hello guest");
    browser.post("/log-in", "user=alice&password=open+sesame").await;
    assert_eq!(browser.get("/").await.text, "hello alice");
    let mut thief = browser.clone();
    browser.post("/log-out", "").await;
    assert_eq!(browser.cookie(), None);
    assert_eq!(thief.get("/").await.text, "hello guest", "the id is dead");
}
