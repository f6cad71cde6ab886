//! Requests that only the program's own scripts can send.

use axum::Router;
use axum::response::Html;
use axum::routing::{get, post};
use cloakroom_tower::{CsrfLayer, Session, SessionError, SessionLayer, store::Store};

async fn page(session: Session) -> Result<Html<String>, SessionError> {
    Ok(Html(format!(r#"<meta name="csrf-token" content="{}">"#, session.csrf_token()?)))
}

async fn buy(session: Session) -> Result<String, SessionError> {
    Ok(format!("bought {}", session.increment("bought", 1)?))
}

fn app(store: impl Store) -> Router {
    Router::new()
        .route("/api/buy", post(buy)) // its handlers need not look at the token
        .layer(CsrfLayer::new())
        .route("/", get(page))
        .layer(SessionLayer::new(store))
}

// The test:

use crate::browser::Browser;
use axum::http::Request;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn a_request_without_the_header_is_refused() {
    let mut browser = Browser::new(app(MemoryStore::new()));
    let page = browser.get("/").await.text;
    let token = page.split("content=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(browser.post("/api/buy", "").await.status, 403);
    let bought = browser.send(Request::post("/api/buy").header("x-csrf-token", token), String::new()).await;
    assert_eq!(bought.text, "bought 1");
}
