//! What layers share that hand a request on only after a question to its session.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use cloakroom::{Error, RequestSession};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::response::{answer_to, no_layer};

/// Why a request is not handed on.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The route has no session layer; the line names the cure.
    NoSessionLayer(&'static str),
    Error(Error),
}

impl Refusal {
    fn into_response<B: Default + 'static>(self) -> Response<B> {
        match self {
            Self::NoSessionLayer(line) => no_layer(line),
            Self::Error(error) => answer_to(error),
        }
    }
}

/// Whether the request may be handed on.
type Verdict = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

pin_project! {
    /// The response to a request that may have been refused.
    pub(crate) struct Gate<S, Q>
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
        Refused { refusal: Option<Refusal> },
        Asked { verdict: Verdict, held: Option<(S, Request<Q>)> },
        Called { #[pin] response: S::Future },
    }
}

impl<S: Service<Request<Q>>, Q> Gate<S, Q> {
    /// Refuses the request.
    pub(crate) const fn refused(error: Error) -> Self {
        Self { step: Step::Refused { refusal: Some(Refusal::Error(error)) } }
    }

    /// Hands the request on.
    pub(crate) fn open(service: &mut S, request: Request<Q>) -> Self {
        Self { step: Step::Called { response: service.call(request) } }
    }

    /// Asks the session of the request first. Without one, the answer is `no_layer`.
    pub(crate) fn ask<F>(
        service: &mut S,
        request: Request<Q>,
        no_layer: &'static str,
        question: impl FnOnce(RequestSession) -> F + Send + 'static,
    ) -> Self
    where
        S: Clone,
        F: Future<Output = Result<(), Error>> + Send,
    {
        let pending = request.extensions().get::<RequestSession>().cloned();
        // The clone is not ready; the service that is goes with the request.
        let next = service.clone();
        let held = Some((mem::replace(service, next), request));
        let verdict = Box::pin(async move {
            let pending = pending.ok_or(Refusal::NoSessionLayer(no_layer))?;
            question(pending).await.map_err(Refusal::Error)
        });
        Self { step: Step::Asked { verdict, held } }
    }
}

impl<S, Q, B> Future for Gate<S, Q>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Default + 'static,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.project().step;
        loop {
            let response = match step.as_mut().project() {
                Projected::Refused { refusal } => {
                    let Some(refusal) = refusal.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(refusal.into_response()));
                }
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
