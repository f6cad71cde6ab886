//! An application on the store, asked without a network.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::routing::get;
use cloakroom_redis::RedisStore;
use cloakroom_store::ManualClock;
use cloakroom_tower::{Config, Session, SessionError, SessionLayer};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// The application, and a browser with one cookie.
pub(crate) struct App {
    router: Router,
    cookie: Option<String>,
}

impl App {
    pub(crate) fn on(store: RedisStore, clock: &ManualClock) -> Self {
        let config = Config::plain_http().clock(clock.clone()).sweep_interval(None);
        let layer = SessionLayer::with_config(store, config).unwrap();
        let router = Router::new()
            .route("/untouched", get(async || "untouched"))
            .route("/read", get(read))
            .route("/write", get(write))
            .route("/log-in", get(log_in))
            .layer(layer);
        Self { router, cookie: None }
    }

    pub(crate) async fn get(&mut self, path: &str) -> (StatusCode, String) {
        let mut request = Request::builder().uri(path);
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        if let Some(set) = response.headers().get(SET_COOKIE) {
            self.cookie = set.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

async fn read(session: Session) -> Result<String, SessionError> {
    Ok(session.get::<u64>("visits")?.unwrap_or_default().to_string())
}

async fn write(session: Session) -> Result<String, SessionError> {
    Ok(session.increment("visits", 1)?.to_string())
}

async fn log_in(session: Session) -> Result<&'static str, SessionError> {
    session.log_in("alice")?;
    Ok("logged in")
}
