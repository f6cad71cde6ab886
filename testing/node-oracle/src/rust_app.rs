//! A Rust application with the routes of the Node applications.

use axum::Router;
use axum::extract::{Json, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use cloakroom::store::Store;
use cloakroom::{Config, SessionManager};
use cloakroom_node::NodeValues;
use cloakroom_tower::{Session, SessionLayer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

use crate::Result;

/// An axum application that listens on a port.
#[derive(Debug)]
pub struct RustApp {
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

type Answer<T = String> = cloakroom::Result<T>;
type Parameters = Query<HashMap<String, String>>;

impl RustApp {
    /// Starts the application on a store.
    ///
    /// # Errors
    /// The options contradict each other, or there is no port.
    pub async fn start(config: Config, store: impl Store) -> Result<Self> {
        let routes = Router::new()
            .route("/flash", get(flash))
            .route("/flashes", get(flashes))
            .route("/token", get(token))
            .route("/form", post(form));
        Self::serve(config, store, routes).await
    }

    /// Starts the application with the tokens of another package than csurf: `csrf-sync` or `lusca`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with_tokens_of(package: &str, config: Config, store: impl Store) -> Result<Self> {
        let routes = match package {
            "csrf-sync" => {
                Router::new().route("/token", get(csrf_sync_token)).route("/form", post(csrf_sync_form))
            }
            "lusca" => Router::new().route("/token", get(lusca_token)).route("/form", post(lusca_form)),
            other => return Err(format!("{other} is not a package for CSRF tokens").into()),
        };
        Self::serve(config, store, routes).await
    }

    /// Starts the application with routes that fill a session with any values, and show them all.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with_bodies(config: Config, store: impl Store) -> Result<Self> {
        Self::serve(config, store, Router::new().route("/fill", post(fill)).route("/all", get(all))).await
    }

    /// Starts the application with the flash values and CSRF tokens of node-session.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_node_session(config: Config, store: impl Store) -> Result<Self> {
        let routes = Router::new()
            .route("/flash", get(flash_once))
            .route("/flashes", get(flashed))
            .route("/keep", get(keep_flash))
            .route("/token", get(node_session_token))
            .route("/form", post(node_session_form));
        Self::serve(config, store, routes).await
    }

    async fn serve(config: Config, store: impl Store, routes: Router) -> Result<Self> {
        let engine = SessionManager::new(store, config)?;
        let app = routes
            .route("/count", get(count))
            .route("/views", get(views))
            .route("/set", get(set))
            .route("/get", get(value))
            .route("/id", get(id))
            .route("/login", get(log_in))
            .route("/logout", get(log_out))
            .route("/user", get(user))
            .route("/renew", get(renew))
            .route("/destroy", get(destroy))
            .layer(SessionLayer::from_manager(engine));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { port, task })
    }

    /// Returns its port on the loopback address.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for RustApp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn parameter<'a>(parameters: &'a Parameters, name: &str) -> &'a str {
    parameters.get(name).map(String::as_str).unwrap_or_default()
}

async fn count(session: Session) -> Answer {
    Ok(session.increment("views", 1)?.to_string())
}

async fn views(session: Session) -> Answer {
    Ok(session.get_or("views", 0_i64)?.to_string())
}

async fn set(session: Session, parameters: Parameters) -> Result<&'static str, (StatusCode, String)> {
    let bad = |error: &dyn std::error::Error| (StatusCode::BAD_REQUEST, error.to_string());
    let value: Value = serde_json::from_str(parameter(&parameters, "value")).map_err(|error| bad(&error))?;
    session.insert(parameter(&parameters, "key"), value).map_err(|error| bad(&error))?;
    Ok("set")
}

async fn value(session: Session, parameters: Parameters) -> Answer<Json<Value>> {
    Ok(Json(session.get(parameter(&parameters, "key"))?.unwrap_or_default()))
}

async fn id(session: Session) -> String {
    session.id().map(|id| id.expose().to_owned()).unwrap_or_default()
}

async fn log_in(session: Session, parameters: Parameters) -> Answer<&'static str> {
    session.log_in(parameter(&parameters, "user"))?;
    Ok("in")
}

async fn log_out(session: Session) -> &'static str {
    session.log_out();
    "out"
}

async fn user(session: Session) -> String {
    session.user().unwrap_or_default()
}

async fn flash(session: Session, parameters: Parameters) -> Answer<&'static str> {
    session.push_flash(parameter(&parameters, "type"), parameter(&parameters, "text"))?;
    Ok("kept")
}

async fn flashes(session: Session, parameters: Parameters) -> Answer<Json<Vec<String>>> {
    Ok(Json(session.take_flash(parameter(&parameters, "type"))?))
}

async fn token(session: Session) -> Answer {
    session.csurf_token()
}

async fn form(session: Session, headers: HeaderMap) -> Answer<(StatusCode, &'static str)> {
    Ok(judged(session.csurf_verify(csrf_token(&headers))?))
}

fn csrf_token(headers: &HeaderMap) -> &str {
    headers
        .get("csrf-token")
        .or_else(|| headers.get("x-csrf-token"))
        .and_then(|token| token.to_str().ok())
        .unwrap_or_default()
}

async fn csrf_sync_token(session: Session) -> Answer {
    session.csrf_sync_token()
}

async fn csrf_sync_form(session: Session, headers: HeaderMap) -> Answer<(StatusCode, &'static str)> {
    Ok(judged(session.csrf_sync_verify(csrf_token(&headers))?))
}

async fn lusca_token(session: Session) -> Answer {
    session.lusca_token()
}

async fn lusca_form(session: Session, headers: HeaderMap) -> Answer<(StatusCode, &'static str)> {
    Ok(judged(session.lusca_verify(csrf_token(&headers))?))
}

/// Inserts the members of an object as they are spelt.
async fn fill(session: Session, body: String) -> Result<&'static str, (StatusCode, String)> {
    let bad = |error: &dyn std::error::Error| (StatusCode::BAD_REQUEST, error.to_string());
    let members: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(&body).map_err(|error| bad(&error))?;
    for (key, value) in members {
        session.insert(&key, value).map_err(|error| bad(&error))?;
    }
    Ok("filled")
}

/// Returns all values in an object, as they are spelt.
async fn all(session: Session) -> Answer<Json<BTreeMap<String, Box<RawValue>>>> {
    Ok(Json(session.entries()?.into_iter().collect()))
}

fn judged(is_right: bool) -> (StatusCode, &'static str) {
    if is_right { (StatusCode::OK, "accepted") } else { (StatusCode::FORBIDDEN, "refused") }
}

async fn flash_once(session: Session, parameters: Parameters) -> Answer<&'static str> {
    session.flash(parameter(&parameters, "type"), parameter(&parameters, "text"))?;
    Ok("kept")
}

async fn flashed(session: Session, parameters: Parameters) -> Answer<Json<Value>> {
    Ok(Json(session.get(parameter(&parameters, "type"))?.unwrap_or_default()))
}

async fn keep_flash(session: Session) -> &'static str {
    session.reflash();
    "kept"
}

async fn node_session_token(session: Session) -> Answer {
    session.node_session_token()
}

async fn node_session_form(session: Session, headers: HeaderMap) -> Answer<(StatusCode, &'static str)> {
    Ok(judged(session.node_session_verify(csrf_token(&headers))?))
}

async fn renew(session: Session) -> Answer<&'static str> {
    session.cycle_id();
    Ok("renewed")
}

async fn destroy(session: Session) -> &'static str {
    session.destroy();
    "gone"
}
