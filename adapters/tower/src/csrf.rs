//! The layer that asks for a CSRF token.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use cloakroom::{Error, Pending};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::response::{ErrorResponse, plain};

/// Answers 403 to every request that may change something (all but `GET`, `HEAD`, `OPTIONS` and `TRACE`) and does not
/// bring a CSRF token of its session in the header `X-CSRF-Token`; the handler is then not called.
///
/// It belongs inside of [`SessionLayer`](crate::SessionLayer), around routes that scripts call: a page gives its script
/// the token that [`csrf_token`](cloakroom::Session::csrf_token) makes, and the script sends it with each request. A
/// form sends its token in the body, which is the handler's to read: call
/// [`require_csrf_token`](cloakroom::Session::require_csrf_token) there, without this layer.
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
#[derive(Clone, Copy, Debug, Default)]
pub struct CsrfLayer(());

impl CsrfLayer {
    /// The header that holds the token.
    pub const HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

    /// Makes the layer.
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for CsrfLayer {
    type Service = CsrfService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CsrfService { inner }
    }
}

/// A service that is asked only with a CSRF token; made by [`CsrfLayer`].
#[derive(Clone, Debug)]
pub struct CsrfService<S> {
    inner: S,
}

impl<S, Q, B> Service<Request<Q>> for CsrfService<S>
where
    S: Service<Request<Q>, Response = Response<B>> + Clone,
    B: From<String>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = CsrfFuture<S, Q>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        if is_safe(request.method()) {
            return CsrfFuture { step: Step::Called { response: self.inner.call(request) } };
        }
        let pending = request.extensions().get::<Pending>().cloned();
        let token = request.headers().get(CsrfLayer::HEADER).cloned();
        // The clone is not ready; the service that is goes with the request.
        let next = self.inner.clone();
        let service = mem::replace(&mut self.inner, next);
        let held = Some((service, request));
        CsrfFuture { step: Step::Asked { verdict: Box::pin(judge(pending, token)), held } }
    }
}

fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

/// Whether a request brings what it needs.
enum Verdict {
    Good,
    Refused,
    NoSessionLayer,
    Failed(Error),
}

async fn judge(pending: Option<Pending>, token: Option<HeaderValue>) -> Verdict {
    let Some(pending) = pending else { return Verdict::NoSessionLayer };
    let Some(token) = token.as_ref().and_then(|token| token.to_str().ok()) else { return Verdict::Refused };
    match pending.load().await {
        Ok(session) if session.verify_csrf_token(token) => Verdict::Good,
        Ok(_) => Verdict::Refused,
        Err(error) => Verdict::Failed(error),
    }
}

impl Verdict {
    /// The answer to a request that is not handed on.
    fn refusal(&self) -> Option<Response<String>> {
        let answer = |status, line: &str| Some((status, line.to_owned()).into_response());
        match self {
            Self::Good => None,
            Self::Refused => answer(StatusCode::FORBIDDEN, REFUSED),
            Self::NoSessionLayer => answer(StatusCode::INTERNAL_SERVER_ERROR, NO_LAYER),
            Self::Failed(error) => Some(plain(error)),
        }
    }
}

const REFUSED: &str = "The CSRF token is missing or not of this session.";

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
        step: Step<S, Q>,
    }
}

pin_project! {
    #[project = Projected]
    enum Step<S, Q>
    where
        S: Service<Request<Q>>,
    {
        Asked { verdict: Pin<Box<dyn Future<Output = Verdict> + Send>>, held: Option<(S, Request<Q>)> },
        Called { #[pin] response: S::Future },
    }
}

impl<S, Q, B> Future for CsrfFuture<S, Q>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: From<String>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.project().step;
        loop {
            let response = match step.as_mut().project() {
                Projected::Called { response } => return response.poll(cx),
                Projected::Asked { verdict, held } => {
                    let verdict = ready!(verdict.as_mut().poll(cx));
                    if let Some(refusal) = verdict.refusal() {
                        return Poll::Ready(Ok(refusal.map(B::from)));
                    }
                    let Some((mut service, request)) = held.take() else { return Poll::Pending };
                    service.call(request)
                }
            };
            step.set(Step::Called { response });
        }
    }
}

impl<S: Service<Request<Q>>, Q> fmt::Debug for CsrfFuture<S, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfFuture(..)")
    }
}
