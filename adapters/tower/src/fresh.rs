//! The layer that asks for a fresh log-in.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use cloakroom::RequestSession;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::gate::Gate;

/// Answers 403 to every request whose user did not prove who they are within the last `span`, or is not logged in; the
/// handler is then not called. For routes that need the password again: a change of the address, a payment, the account's end.
///
/// It belongs inside of [`SessionLayer`](crate::SessionLayer). A refusal is an
/// [error](cloakroom::ErrorKind::NotFresh) like others: the session layer's [`on_error`](crate::SessionLayer::on_error) can lead
/// the browser to the form for the password. [`log_in`](cloakroom::Session::log_in) with the same user makes the session fresh.
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use cloakroom_tower::{FreshLayer, SessionLayer, stores::MemoryStore};
/// use std::time::Duration;
///
/// async fn pay() -> &'static str {
///     "paid"
/// }
///
/// let app: Router = Router::new()
///     .route("/pay", post(pay))
///     .layer(FreshLayer::new(Duration::from_secs(10 * 60)))
///     .route("/", get(|| async { "hello" }))
///     .layer(SessionLayer::new(MemoryStore::new()));
/// # let _ = app;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FreshLayer {
    span: Duration,
}

impl FreshLayer {
    /// Makes the layer.
    pub const fn new(span: Duration) -> Self {
        Self { span }
    }
}

impl<S> Layer<S> for FreshLayer {
    type Service = FreshService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        FreshService { inner, span: self.span }
    }
}

/// A service that is asked only by users who have just proved who they are; made by [`FreshLayer`].
#[derive(Clone, Debug)]
pub struct FreshService<S> {
    inner: S,
    span: Duration,
}

impl<S, Q, B> Service<Request<Q>> for FreshService<S>
where
    S: Service<Request<Q>, Response = Response<B>> + Clone,
    B: Default + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = FreshFuture<S, Q>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        if let Some(pending) = request.extensions().get::<RequestSession>() {
            pending.note_headers(&crate::service::Head::of(&request));
        }
        let span = self.span;
        let fresh = async move |pending: RequestSession| pending.require_fresh(span).await;
        FreshFuture { gate: Gate::ask(&mut self.inner, request, NO_LAYER, fresh) }
    }
}

/// Names the cure; it says nothing about a deployment that works.
const NO_LAYER: &str = "This route asks for a fresh log-in and has no sessions: call \
    `.layer(SessionLayer::new(store))` on the router, after the `FreshLayer`.";

pin_project! {
    /// The response of a service that asks for a fresh log-in.
    pub struct FreshFuture<S, Q>
    where
        S: Service<Request<Q>>,
    {
        #[pin]
        gate: Gate<S, Q>,
    }
}

impl<S, Q, B> Future for FreshFuture<S, Q>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Default + 'static,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().gate.poll(cx)
    }
}

impl<S: Service<Request<Q>>, Q> fmt::Debug for FreshFuture<S, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FreshFuture(..)")
    }
}
