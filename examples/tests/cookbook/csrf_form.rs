//! A form that only the program's own page can send.

use axum::response::Html;
use axum::routing::get;
use axum::{Form, Router};
use cloakroom_tower::{Session, SessionError, SessionLayer, store::Store};

async fn form(session: Session) -> Result<Html<String>, SessionError> {
    let token = session.csrf_token()?;
    Ok(Html(format!(
        r#"<form method="post"><input type="hidden" name="csrf" value="{token}"><input name="amount"></form>"#
    )))
}

#[derive(serde::Deserialize)]
struct Transfer {
    csrf: Option<String>,
    amount: u32,
}

async fn transfer(session: Session, Form(form): Form<Transfer>) -> Result<String, SessionError> {
    session.require_csrf_token(form.csrf.as_deref())?; // else the response is a 403
    Ok(format!("transferred {}", form.amount))
}

fn app(store: impl Store) -> Router {
    Router::new().route("/transfer", get(form).post(transfer)).layer(SessionLayer::new(store))
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn a_form_without_the_token_is_refused() {
    let mut browser = Browser::new(app(MemoryStore::new()));
    let page = browser.get("/transfer").await.text;
    let token = page.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(browser.post("/transfer", "amount=9").await.status, 403);
    assert_eq!(browser.post("/transfer", "amount=9&csrf=guess").await.status, 403);
    let sent = browser.post("/transfer", &format!("amount=9&csrf={token}")).await;
    assert_eq!(sent.text, "transferred 9");
}
