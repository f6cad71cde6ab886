//! A dangerous action asks for the password again.

use axum::response::Redirect;
use axum::routing::post;
use axum::{Form, Router};
use cloakroom_tower::{Session, SessionError, SessionLayer};
use std::time::Duration;

async fn delete_account(session: Session) -> Result<Redirect, SessionError> {
    if !session.authenticated_within(Duration::from_secs(5 * 60)) {
        session.insert("after_password", "/account/delete")?;
        return Ok(Redirect::to("/password"));
    }
    session.log_out(); // and the account is deleted
    Ok(Redirect::to("/goodbye"))
}

#[derive(serde::Deserialize)]
struct Password {
    password: String,
}

async fn password(session: Session, Form(form): Form<Password>) -> Result<Redirect, SessionError> {
    let Some(user) = session.user().filter(|_| form.password == "open sesame") else {
        return Ok(Redirect::to("/password"));
    };
    session.log_in(user)?; // a new id, and `authenticated_at` is now
    let target = session.take::<String>("after_password")?;
    Ok(Redirect::to(target.as_deref().unwrap_or("/")))
}

fn app(layer: SessionLayer) -> Router {
    Router::new()
        .route("/account/delete", post(delete_account))
        .route("/password", post(password))
        .layer(layer)
}

// The test:

use crate::browser::Browser;
use axum::routing::get;
use cloakroom_tower::{Config, ManualClock, Timestamp, stores::MemoryStore};

#[tokio::test]
async fn an_old_log_in_is_not_enough() {
    let clock = ManualClock::at(Timestamp::from_millis(0));
    let config = Config::default().clock(clock.clone());
    let layer =
        SessionLayer::with_config(MemoryStore::builder().clock(clock.clone()).build(), config).unwrap();
    let log_in = async |session: Session| session.log_in("alice").map_err(SessionError::from);
    let begin = Router::new().route("/log-in", get(log_in)).layer(layer.clone());
    let mut browser = Browser::new(app(layer).merge(begin));
    browser.get("/log-in").await;
    clock.advance(Duration::from_secs(10 * 60));
    assert_eq!(browser.post("/account/delete", "").await.location(), "/password");
    assert_eq!(browser.post("/password", "password=guess").await.location(), "/password");
    assert_eq!(browser.post("/password", "password=open+sesame").await.location(), "/account/delete");
    assert_eq!(browser.post("/account/delete", "").await.location(), "/goodbye");
}
