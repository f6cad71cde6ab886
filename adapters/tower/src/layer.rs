//! The layer: puts sessions around a service.

use std::fmt;
use std::sync::Arc;

use cloakroom::adapter::Warnings;
use cloakroom::{Config, ConfigError, Error, SessionManager, store::Store};
use tower_layer::Layer;

use crate::response::{FailedRequest, OnError};
use crate::{IntoErrorResponse, SessionService};

/// Puts sessions around a service.
///
/// 1. A request that never asks for its session makes no store trip, and its response is left as it is.
/// 2. Changes are in the store before the response's headers leave. If they cannot be, the response is replaced by an
///    error (503 if the store does not answer): nothing was acknowledged.
/// 3. The cookie is set only by the response that made the id, and removed only by the one that ended the session. With it go
///    `Cache-Control: private, no-cache, no-store`, over whatever the application said, and no other `Set-Cookie` of its
///    name; headers for CDNs and `Expires` are removed.
/// 4. A response that used its session varies, in one line that begins with `Cookie`; and it is `private`, unless
///    the application says that shared caches may store it. That is an [`Event::SharedCache`](cloakroom::Event). Where the
///    application says nothing and a user is logged in, no cache stores it: see [`Config::caching`].
/// 5. The status of the response makes no difference: a 404 or a 500 saves like a 200. A request without a response (a
///    panic, an error of the inner service, a client that went away) saves nothing, which is an [`Event::Unanswered`](cloakroom::Event); a
///    log-out that was decided before it is carried out.
/// 6. Two layers around each other with the same cookie name share one session; the outer one saves it. An inner one
///    with another engine is an [`Event::LayerIgnored`](cloakroom::Event).
/// 7. Every error is answered in one place, with a status by its kind: see [`on_error`](Self::on_error).
///
/// ```
/// use cloakroom_tower::{Config, SessionManager, SessionLayer, stores::MemoryStore};
/// use std::time::Duration;
///
/// // All defaults, which are safe:
/// let layer = SessionLayer::new(MemoryStore::new());
///
/// // Configured:
/// let config = Config::default().idle_timeout(Duration::from_secs(900));
/// let layer = SessionLayer::from_manager(SessionManager::new(MemoryStore::new(), config)?);
/// # let _: axum::Router = axum::Router::new().layer(layer);
/// # Ok::<(), cloakroom_tower::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SessionLayer {
    engine: SessionManager,
    settings: Arc<Settings>,
}

/// What a layer's requests share beside the engine.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) on_error: Option<Box<OnError>>,
    pub(crate) warnings: Warnings,
}

impl SessionLayer {
    /// Keeps sessions in `store`, with the defaults of [`Config`]. An `Arc<dyn Store>` is a store too.
    ///
    /// # Panics
    /// If the operating system gives no random bytes; [`with_config`](Self::with_config) returns an error then.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use cloakroom_tower::{Session, SessionError, SessionLayer, stores::MemoryStore};
    ///
    /// async fn theme(session: Session) -> Result<String, SessionError> {
    ///     Ok(session.get_or("theme", "light".to_owned())?)
    /// }
    ///
    /// let app: Router = Router::new().route("/theme", get(theme)).layer(SessionLayer::new(MemoryStore::new()));
    /// # let _ = app;
    /// ```
    pub fn new(store: impl Store) -> Self {
        match Self::with_config(store, Config::default()) {
            Ok(layer) => layer,
            Err(error) => panic!("no sessions can be kept: {error}"),
        }
    }

    /// Keeps sessions in `store`, configured.
    ///
    /// # Errors
    /// If options contradict each other, the store lacks a capability that they need, or there are no random bytes.
    ///
    /// ```
    /// use cloakroom_tower::{Config, SessionLayer, stores::MemoryStore};
    ///
    /// let contradiction = Config::default().cookie_name("__Host-shop").cookie_path("/shop");
    /// let error = SessionLayer::with_config(MemoryStore::new(), contradiction).unwrap_err();
    /// assert_eq!(error.options(), ["cookie_name", "cookie_path"]);
    /// let layer = SessionLayer::with_config(MemoryStore::new(), Config::plain_http())?;
    /// # let _ = layer;
    /// # Ok::<(), cloakroom_tower::ConfigError>(())
    /// ```
    pub fn with_config(store: impl Store, config: Config) -> Result<Self, ConfigError> {
        SessionManager::new(store, config).map(Self::from_manager)
    }

    /// Puts the sessions of an engine around a service.
    ///
    /// ```
    /// use cloakroom_tower::{Config, SessionLayer, SessionManager, stores::MemoryStore};
    ///
    /// let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// let layer = SessionLayer::from_manager(manager.clone()); // and `manager` goes to a task that revokes sessions
    /// # let _: axum::Router = axum::Router::new().layer(layer);
    /// # Ok::<(), cloakroom_tower::ConfigError>(())
    /// ```
    pub fn from_manager(engine: SessionManager) -> Self {
        Self { engine, settings: Arc::default() }
    }

    /// Answers in the application's own form when a session cannot be used. Default: the status of the error's kind,
    /// and one plain line.
    ///
    /// It is asked for every error: of saving, of the extractors, of [`CsrfLayer`](crate::CsrfLayer), and for every
    /// [`Error`] or `SessionError` that a handler returns as its response. (One that the handler answers by itself is
    /// its own.) It is given the head of the request, for which each request's headers are copied: without `on_error`
    /// they are not.
    ///
    /// The layer adds what keeps the answer out of caches, and the error, for layers around this one:
    /// `response.extensions().get::<Arc<cloakroom::Error>>()`.
    ///
    /// A status other than the usual one of the error's kind stays. The usual one of an outage, 503, becomes the configured
    /// [`outage_status`](cloakroom::Config::outage_status).
    ///
    /// Give the client nothing of the error but its kind: its source holds the store's own error message.
    ///
    /// ```
    /// use cloakroom_tower::{SessionLayer, status_code, stores::MemoryStore};
    /// use http::header::{ACCEPT, CONTENT_TYPE};
    ///
    /// let layer = SessionLayer::new(MemoryStore::new()).on_error(|error, request| {
    ///     let wants_json = request.headers.get(ACCEPT).is_some_and(|accept| accept == "application/json");
    ///     let (form, text) = match wants_json {
    ///         true => ("application/json", format!("{{\"error\": \"{:?}\"}}", error.kind())),
    ///         false => ("text/html", format!("<h1>{}</h1>", error.kind().client_text())),
    ///     };
    ///     (status_code(error.kind()), [(CONTENT_TYPE, form)], text)
    /// });
    /// # let _: axum::Router = axum::Router::new().layer(layer);
    /// ```
    #[must_use]
    pub fn on_error<R: IntoErrorResponse>(
        self,
        respond: impl Fn(&Error, &FailedRequest) -> R + Send + Sync + 'static,
    ) -> Self {
        let on_error: Box<OnError> =
            Box::new(move |error, request| respond(error, request).into_error_response());
        let settings = Settings { on_error: Some(on_error), ..Settings::default() };
        Self { settings: Arc::new(settings), ..self }
    }

    /// Returns the engine, for [`SessionManager::sessions`] and others.
    ///
    /// ```
    /// # use cloakroom_tower::{SessionLayer, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> cloakroom_tower::cloakroom::Result<()> {
    /// let layer = SessionLayer::new(MemoryStore::new());
    /// let sessions = layer.manager().sessions(); // for an administrator's page
    /// assert_eq!(sessions.revoke_all("mallory").await?, 0);
    /// # Ok(()) }
    /// ```
    pub fn manager(&self) -> &SessionManager {
        &self.engine
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, engine: self.engine.clone(), settings: self.settings.clone() }
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("engine", &self.engine).finish_non_exhaustive()
    }
}
