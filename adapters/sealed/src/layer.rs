//! The layer and its service.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use cloakroom::ConfigError;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::config::Settings;
use crate::session::Pending;
use crate::{IrrevocableConfig, IrrevocableFuture};

/// Puts sealed sessions around a service.
///
/// 1. A request that never asks for its session is served as if the layer were not there.
/// 2. A response that changed its session sets its cookies, and no cache stores it. One that only used it varies by
///    `Cookie`, and is `private` unless the application says otherwise.
/// 3. A request without a response (a panic, an error of the inner service) changes nothing.
/// 4. A cookie that cannot be opened is a new session, never an error. It stays until another one is set.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom_sealed::{IrrevocableConfig, IrrevocableLayer, IrrevocableSession, SealingKeys};
///
/// let keys = SealingKeys::new(["a secret of at least 32 bytes, from a vault"])?;
/// let layer = IrrevocableLayer::new(IrrevocableConfig::new(keys))?;
/// let app: Router = Router::new()
///     .route("/", get(async |session: IrrevocableSession| format!("new: {}", session.is_new())))
///     .layer(layer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct IrrevocableLayer(Arc<Settings>);

impl IrrevocableLayer {
    /// Makes the layer.
    ///
    /// # Errors
    /// If options contradict each other.
    pub fn new(config: IrrevocableConfig) -> Result<Self, ConfigError> {
        config.settings().map(Arc::new).map(Self)
    }

    /// Returns the name of the first cookie.
    pub fn cookie_name(&self) -> &str {
        self.0.cookie.name()
    }
}

impl<S> Layer<S> for IrrevocableLayer {
    type Service = IrrevocableService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        IrrevocableService { inner, settings: self.0.clone() }
    }
}

/// A service with sealed sessions around it; made by [`IrrevocableLayer`].
#[derive(Clone)]
pub struct IrrevocableService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S, Q, B> Service<Request<Q>> for IrrevocableService<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = IrrevocableFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let pending = Pending::new(self.settings.clone());
        request.extensions_mut().insert(pending.clone());
        IrrevocableFuture::new(self.inner.call(request), pending)
    }
}

impl fmt::Debug for IrrevocableLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IrrevocableLayer").field("cookie_name", &self.cookie_name()).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for IrrevocableService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IrrevocableService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
