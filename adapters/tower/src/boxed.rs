//! A session layer around services whose body type has no `Default`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::BoxError;
use axum_core::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::{Layer, Stack};
use tower_service::Service;

use crate::SessionLayer;

impl SessionLayer {
    /// Puts sessions around a service with any body, as a trace layer or a limit of request bodies has; the responses'
    /// body is axum's. Costs a box a response.
    ///
    /// `Router::layer` does that by itself between two layers: needed only in a stack of layers.
    ///
    /// ```
    /// use cloakroom_tower::{SessionLayer, stores::MemoryStore};
    /// use tower::ServiceBuilder;
    /// use tower_http::trace::TraceLayer;
    ///
    /// let stack = ServiceBuilder::new()
    ///     .layer(SessionLayer::new(MemoryStore::new()).boxed())
    ///     .layer(TraceLayer::new_for_http());
    /// # let _: axum::Router = axum::Router::new().layer(stack);
    /// ```
    pub fn boxed(self) -> Stack<BoxedBodyLayer, Self> {
        Stack::new(BoxedBodyLayer(()), self)
    }
}

/// Boxes the body of responses; made by [`SessionLayer::boxed`].
#[derive(Clone, Copy, Debug)]
pub struct BoxedBodyLayer(());

impl<S> Layer<S> for BoxedBodyLayer {
    type Service = BoxedBodyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BoxedBodyService { inner }
    }
}

/// A service whose responses have a boxed body; made by [`BoxedBodyLayer`].
#[derive(Clone, Debug)]
pub struct BoxedBodyService<S> {
    inner: S,
}

impl<S, Q, B> Service<Request<Q>> for BoxedBodyService<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxedBodyFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        BoxedBodyFuture { inner: self.inner.call(request) }
    }
}

pin_project! {
    /// The response of a service whose body is boxed.
    #[derive(Debug)]
    pub struct BoxedBodyFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, B, E> Future for BoxedBodyFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.project().inner.poll(cx));
        Poll::Ready(result.map(|response| response.map(Body::new)))
    }
}
