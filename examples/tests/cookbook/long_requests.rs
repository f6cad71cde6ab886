//! Work that outlasts its response.

use axum::Router;
use axum::routing::{get, post};
use cloakroom_tower::{Session, SessionError, SessionLayer, store::Store};

async fn import(session: Session) -> Result<&'static str, SessionError> {
    session.insert("import", 0)?; // a new session has to exist before the response leaves
    tokio::spawn(async move {
        for percent in [25, 50, 75, 100] {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await; // the work
            session.insert("import", percent)?;
            session.touch(); // the user may be idle meanwhile
            session.save().await?; // fails after a log-out: the work ends, too
        }
        Ok::<(), cloakroom_tower::Error>(())
    });
    Ok("begun")
}

async fn progress(session: Session) -> Result<String, SessionError> {
    Ok(format!("{} %", session.get_or("import", 0)?))
}

fn app(store: impl Store) -> Router {
    Router::new()
        .route("/import", post(import))
        .route("/progress", get(progress))
        .layer(SessionLayer::new(store))
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::stores::MemoryStore;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn the_progress_of_a_task_is_in_the_session() {
    let mut browser = Browser::new(app(MemoryStore::new()));
    browser.post("/import", "").await;
    assert_eq!(browser.get("/progress").await.text, "0 %");
    tokio::time::sleep(Duration::from_secs(121)).await;
    assert_eq!(browser.get("/progress").await.text, "50 %");
}
