//! A log-in through an identity provider, which sends the user back by a link or by a form.

use axum::extract::{Query, RawForm};
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::{Router, routing::get};
use cloakroom_tower::{Session, SessionError, SessionLayer, store::Store};
use std::collections::HashMap;

/// Sends the user to the provider, with a state that only this session knows.
async fn begin(session: Session) -> Result<Redirect, SessionError> {
    let state = session.csrf_token()?; // random, and new each time
    session.insert("oauth_state", &state)?;
    Ok(Redirect::to(&format!("https://provider.example/authorize?client_id=shop&state={state}")))
}

/// The provider's link leads here. The cookie comes with it, because `SameSite` is `Lax`.
async fn callback(
    session: Session,
    Query(answer): Query<HashMap<String, String>>,
) -> Result<&'static str, SessionError> {
    let expected: Option<String> = session.take("oauth_state")?;
    if expected.is_none() || expected.as_ref() != answer.get("state") {
        return Ok("this log-in was not begun here");
    }
    // Here the program exchanges `code` for the name of the user.
    session.log_in("alice")?;
    Ok("logged in")
}

/// A provider that answers by a form (`response_mode=form_post`): the cookie does not come with that. So this handler
/// asks for no session, which would be a new one, and lets the browser ask again by a link.
async fn form_post(RawForm(form): RawForm) -> Result<Redirect, StatusCode> {
    let query = std::str::from_utf8(&form).map_err(|_| StatusCode::BAD_REQUEST)?;
    if !query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(Redirect::to(&format!("/callback?{query}")))
}

fn app(store: impl Store) -> Router {
    Router::new()
        .route("/log-in", get(begin))
        .route("/callback", get(callback).post(form_post))
        .layer(SessionLayer::new(store))
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn a_log_in_through_a_provider_ends_in_the_session_that_began_it() {
    let app = app(MemoryStore::new());
    let (mut browser, mut stranger) = (Browser::new(app.clone()), Browser::new(app));
    let away = browser.get("/log-in").await;
    let state = away.location().split("state=").nth(1).unwrap();
    // The browser leaves the cookie out of a form of another site.
    let answered = stranger.post("/callback", &format!("code=c&state={state}")).await;
    assert_eq!(answered.set_cookie(), None);
    let link = answered.location().to_owned();
    assert_eq!(stranger.get(&link).await.text, "this log-in was not begun here");
    assert_eq!(browser.get(&link).await.text, "logged in");
    assert_eq!(browser.get(&link).await.text, "this log-in was not begun here", "a state counts once");
}
