//! A page that lists where the user is logged in, names the device, and ends sessions.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use cloakroom_tower::{PublicId, Session, SessionError, SessionInfo, SessionLayer, SessionManager};

#[derive(serde::Deserialize)]
struct Device {
    name: String,
}

async fn list(
    session: Session,
    State(manager): State<SessionManager>,
) -> Result<Json<Vec<SessionInfo>>, SessionError> {
    let user = session.user().unwrap_or_default();
    Ok(Json(if user.is_empty() { Vec::new() } else { manager.sessions().list(&user).await? }))
}

async fn name_this_one(session: Session, Form(device): Form<Device>) {
    session.set_device(&device.name); // until then it is the browser's `User-Agent`
}

async fn end_one(
    session: Session,
    State(manager): State<SessionManager>,
    Path(chosen): Path<String>,
) -> Result<StatusCode, SessionError> {
    let (Some(user), Ok(chosen)) = (session.user(), chosen.parse::<PublicId>()) else {
        return Ok(StatusCode::NOT_FOUND);
    };
    let ended = manager.sessions().revoke(&user, &chosen).await?; // only a session of this user
    Ok(if ended { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

async fn end_others(session: Session, State(manager): State<SessionManager>) -> Result<String, SessionError> {
    Ok(format!("{} ended", manager.sessions().revoke_others(&session).await?))
}

fn app(manager: SessionManager) -> Router {
    Router::new()
        .route("/devices", get(list).post(name_this_one))
        .route("/devices/{id}/end", post(end_one))
        .route("/devices/end-others", post(end_others))
        .layer(SessionLayer::from_manager(manager.clone()))
        .with_state(manager)
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::{Config, stores::MemoryStore};

#[tokio::test]
async fn devices_are_listed_named_and_ended() {
    let manager = SessionManager::new(MemoryStore::new(), Config::default()).unwrap();
    let log_in = async |session: Session| session.log_in("alice").map_err(SessionError::from);
    let app = app(manager.clone())
        .merge(Router::new().route("/", get(log_in)).layer(SessionLayer::from_manager(manager)));
    let (mut phone, mut laptop, mut tv) =
        (Browser::new(app.clone()), Browser::new(app.clone()), Browser::new(app));
    for browser in [&mut phone, &mut laptop, &mut tv] {
        browser.get("/").await;
    }
    phone.post("/devices", "name=my+phone").await;
    let listed: Vec<serde_json::Value> = serde_json::from_str(&laptop.get("/devices").await.text).unwrap();
    assert_eq!(listed.len(), 3);
    let named = listed.iter().find(|session| session["device"] == "my phone").unwrap();
    let end = format!("/devices/{}/end", named["public_id"].as_str().unwrap());
    assert_eq!(laptop.post(&end, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(laptop.post(&end, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(phone.get("/devices").await.text, "[]");
    assert_eq!(laptop.post("/devices/end-others", "").await.text, "1 ended");
    assert_eq!(tv.get("/devices").await.text, "[]");
}
