//! The layer that asks for a CSRF token.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use cloakroom::{Error, RequestSession};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::gate::Gate;
use crate::handshake::{is_from_here, is_handshake};

/// Answers 403 to every request that may change something (all but `GET`, `HEAD`, `OPTIONS` and `TRACE`) and does not
/// bring a CSRF token of its session in the header `X-CSRF-Token`; the handler is then not called.
///
/// It belongs inside of [`SessionLayer`](crate::SessionLayer), around routes that scripts call: a page gives its script
/// the token that [`csrf_token`](cloakroom::Session::csrf_token) makes, and the script sends it with each request. A
/// form sends its token in the body, which is the handler's to read: call
/// [`require_csrf_token`](cloakroom::Session::require_csrf_token) there, without this layer.
///
/// A WebSocket's handshake is a `GET`, carries cookies, and cannot bring a token. It is refused if a page of another
/// origin began it, by what the browser says in `Sec-Fetch-Site` or `Origin`; see
/// [`allow_origin`](Self::allow_origin).
///
/// A refusal is an [error](cloakroom::ErrorKind::CsrfRejected) like others: the session layer's
/// [`on_error`](crate::SessionLayer::on_error) words it.
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use cloakroom_tower::{CsrfLayer, Session, SessionError, SessionLayer, stores::MemoryStore};
///
/// async fn token(session: Session) -> Result<String, SessionError> {
///     Ok(session.csrf_token()?)
/// }
///
/// async fn buy() -> &'static str {
///     "bought"
/// }
///
/// let app: Router = Router::new()
///     .route("/buy", post(buy))
///     .layer(CsrfLayer::new())
///     .route("/token", get(token))
///     .layer(SessionLayer::new(MemoryStore::new()));
/// # let _ = app;
/// ```
#[derive(Clone, Debug, Default)]
pub struct CsrfLayer {
    origins: Option<Arc<[HeaderValue]>>,
}

impl CsrfLayer {
    /// The header that holds the token.
    pub const HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

    /// Makes the layer.
    pub const fn new() -> Self {
        Self { origins: None }
    }

    /// Allows handshakes of WebSockets, too, that pages of this origin begin: `https://shop.example`, as a browser
    /// writes it. Needed for pages on another host, and behind a proxy that changes `Host` for browsers that do not
    /// send `Sec-Fetch-Site`. Default: only pages of the address that was asked. Call it again for each origin.
    ///
    /// ```
    /// let layer = cloakroom_tower::CsrfLayer::new().allow_origin(http::HeaderValue::from_static("https://shop.example"));
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn allow_origin(self, origin: HeaderValue) -> Self {
        let origins =
            self.origins.iter().flat_map(|origins| origins.iter().cloned()).chain([origin]).collect();
        Self { origins: Some(origins) }
    }
}

impl<S> Layer<S> for CsrfLayer {
    type Service = CsrfService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CsrfService { inner, origins: self.origins.clone() }
    }
}

/// A service that is asked only with a CSRF token; made by [`CsrfLayer`].
#[derive(Clone, Debug)]
pub struct CsrfService<S> {
    inner: S,
    origins: Option<Arc<[HeaderValue]>>,
}

impl<S, Q, B> Service<Request<Q>> for CsrfService<S>
where
    S: Service<Request<Q>, Response = Response<B>> + Clone,
    B: Default + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = CsrfFuture<S, Q>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let gate = if is_handshake(&request) {
            if is_from_here(&request, self.origins.as_deref().unwrap_or_default()) {
                Gate::open(&mut self.inner, request)
            } else {
                Gate::refused(Error::csrf_rejected())
            }
        } else if is_safe(request.method()) {
            Gate::open(&mut self.inner, request)
        } else {
            let token = request.headers().get(CsrfLayer::HEADER).cloned();
            let good = async move |pending: RequestSession| {
                pending.require_csrf_token(token.as_ref().map(HeaderValue::as_bytes)).await
            };
            Gate::ask(&mut self.inner, request, NO_LAYER, good)
        };
        CsrfFuture { gate }
    }
}

fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

/// Names the cure; it says nothing about a deployment that works.
const NO_LAYER: &str = "This route asks for a CSRF token and has no sessions: call \
    `.layer(SessionLayer::new(store))` on the router, after the `CsrfLayer`.";

pin_project! {
    /// The response of a service that asks for a CSRF token.
    pub struct CsrfFuture<S, Q>
    where
        S: Service<Request<Q>>,
    {
        #[pin]
        gate: Gate<S, Q>,
    }
}

impl<S, Q, B> Future for CsrfFuture<S, Q>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Default + 'static,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().gate.poll(cx)
    }
}

impl<S: Service<Request<Q>>, Q> fmt::Debug for CsrfFuture<S, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfFuture(..)")
    }
}
