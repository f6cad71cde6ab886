//! A message that the next page shows once.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use cloakroom_tower::{Session, SessionError, SessionLayer, store::Store};

async fn save(session: Session) -> Result<Redirect, SessionError> {
    session.flash("notice", "your address is saved")?;
    Ok(Redirect::to("/account"))
}

async fn account(session: Session) -> Result<String, SessionError> {
    let notice: Option<String> = session.get("notice")?;
    Ok(notice.unwrap_or_else(|| "your account".to_owned()))
}

fn app(store: impl Store) -> Router {
    Router::new().route("/account", get(account).post(save)).layer(SessionLayer::new(store))
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn a_message_is_shown_once() {
    let mut browser = Browser::new(app(MemoryStore::new()));
    let saved = browser.post("/account", "").await;
    let target = saved.location().to_owned();
    assert_eq!(browser.get(&target).await.text, "your address is saved");
    assert_eq!(browser.get(&target).await.text, "your account");
}
