//! The layer: puts sessions around a service.

use std::fmt;
use std::sync::Arc;

use cloakroom::{Config, ConfigError, Engine, Error, store::Store};
use http::Response;
use tower_layer::Layer;

use crate::{ErrorResponse, SessionService};

/// Puts sessions around a service.
///
/// 1. A request that never asks for its session makes no store trip, and its response is left as it is.
/// 2. Changes are in the store before the response's headers leave. If they cannot be, the response is replaced by an
///    error (503 if the store does not answer): nothing was acknowledged.
/// 3. The cookie is set only by the response that made the id, and removed only by the one that ended the session. With it go
///    `Cache-Control: no-store`, over whatever the application said, and no other `Set-Cookie` of its name.
/// 4. A response whose session was looked at varies: `Vary: Cookie`.
/// 5. The status of the response makes no difference: a 404 or a 500 saves like a 200. A panic saves
///    nothing, and a log-out that was decided before it is carried out.
/// 6. Two layers around each other with the same cookie name share one session; the outer one saves it.
///
/// ```
/// use cloakroom_tower::{Config, Engine, SessionLayer, stores::MemoryStore};
/// use std::time::Duration;
///
/// // All defaults, which are safe:
/// let layer = SessionLayer::new(MemoryStore::new());
///
/// // Configured:
/// let config = Config::default().idle(Duration::from_secs(900));
/// let layer = SessionLayer::of(Engine::new(MemoryStore::new(), config)?);
/// # let _: axum::Router = axum::Router::new().layer(layer);
/// # Ok::<(), cloakroom_tower::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SessionLayer {
    engine: Engine,
    on_error: OnError,
}

/// Makes a response of an error.
pub(crate) type OnError = Arc<dyn Fn(&Error) -> Response<String> + Send + Sync>;

impl SessionLayer {
    /// Keeps sessions in `store`, with the defaults of [`Config`].
    pub fn new(store: impl Store) -> Self {
        match Self::configured(store, Config::default()) {
            Ok(layer) => layer,
            Err(error) => unreachable!("the defaults contradict each other: {error}"),
        }
    }

    /// Keeps sessions in `store`, configured.
    ///
    /// # Errors
    /// If options contradict each other.
    pub fn configured(store: impl Store, config: Config) -> Result<Self, ConfigError> {
        Engine::new(store, config).map(Self::of)
    }

    /// Puts the sessions of an engine around a service.
    pub fn of(engine: Engine) -> Self {
        Self { engine, on_error: Arc::new(crate::response::plain) }
    }

    /// Answers in the application's own form when a session cannot be saved. Default: the status, and one plain line.
    ///
    /// Give the client nothing of the error but its kind: its source holds the store's own words.
    #[must_use]
    pub fn on_error<B: ErrorResponse>(
        mut self,
        respond: impl Fn(&Error) -> B + Send + Sync + 'static,
    ) -> Self {
        self.on_error = Arc::new(move |error| respond(error).into_response());
        self
    }

    /// The engine, for [`Engine::sessions`] and others.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, engine: self.engine.clone(), on_error: self.on_error.clone() }
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("engine", &self.engine).finish_non_exhaustive()
    }
}
