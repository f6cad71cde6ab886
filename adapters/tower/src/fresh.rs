//! The layer that asks for a fresh log-in.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use cloakroom::{Error, RequestSession};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::response::{answer_to, no_layer};

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
        let pending = request.extensions().get::<RequestSession>().cloned();
        if let Some(pending) = &pending {
            pending.note_headers(&crate::service::Head::of(&request));
        }
        // The clone is not ready; the service that is goes with the request.
        let next = self.inner.clone();
        let service = mem::replace(&mut self.inner, next);
        let verdict = Box::pin(judge(pending, self.span));
        FreshFuture { step: Step::Asked { verdict, held: Some((service, request)) } }
    }
}

/// Why a request is not handed on.
enum Refusal {
    NoSessionLayer,
    Error(Error),
}

async fn judge(pending: Option<RequestSession>, span: Duration) -> Result<(), Refusal> {
    let pending = pending.ok_or(Refusal::NoSessionLayer)?;
    pending.require_fresh(span).await.map_err(Refusal::Error)
}

impl Refusal {
    fn into_response<B: Default + 'static>(self) -> Response<B> {
        match self {
            Self::NoSessionLayer => no_layer(NO_LAYER),
            Self::Error(error) => answer_to(error),
        }
    }
}

/// Names the cure; it says nothing about a deployment that works.
const NO_LAYER: &str = "This route asks for a fresh log-in and has no sessions: call \
    `.layer(SessionLayer::new(store))` on the router, after the `FreshLayer`.";

/// Whether the request may be handed on.
type Verdict = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

pin_project! {
    /// The response of a service that asks for a fresh log-in.
    pub struct FreshFuture<S, Q>
    where
        S: Service<Request<Q>>,
    {
        #[pin]
        step: Step<S, Q>,
    }
}

pin_project! {
    #[project = Projected]
    enum Step<S, Q>
    where
        S: Service<Request<Q>>,
    {
        Asked { verdict: Verdict, held: Option<(S, Request<Q>)> },
        Called { #[pin] response: S::Future },
    }
}

impl<S, Q, B> Future for FreshFuture<S, Q>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Default + 'static,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.project().step;
        loop {
            let response = match step.as_mut().project() {
                Projected::Called { response } => return response.poll(cx),
                Projected::Asked { verdict, held } => {
                    if let Err(refusal) = ready!(verdict.as_mut().poll(cx)) {
                        return Poll::Ready(Ok(refusal.into_response()));
                    }
                    let Some((mut service, request)) = held.take() else { return Poll::Pending };
                    service.call(request)
                }
            };
            step.set(Step::Called { response });
        }
    }
}

impl<S: Service<Request<Q>>, Q> fmt::Debug for FreshFuture<S, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FreshFuture(..)")
    }
}
