//! The response, and the commit before it leaves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use cloakroom::adapter::{Sharing, answer_outage, answers_outages_as_usual, write_headers};
use cloakroom::{Error, RequestSession, ResponseUpdate};
use http::{Response, StatusCode};
use pin_project_lite::pin_project;

use crate::layer::Settings;
use crate::response::{FailedRequest, OnError, shared, unanswered};

pin_project! {
    /// The response of a service with sessions around it. Where nothing must be stored it is polled in place.
    pub struct ResponseFuture<F: Future> {
        #[pin]
        inner: F,
        session: Option<Guard>,
        alive: Option<KeepAlive>,
        // In a box: hardly any response waits for it, and every request moves this future several times.
        commit: Option<Box<Commit<F::Output>>>,
    }
}

/// Work that never ends: it is dropped when the response is there.
type KeepAlive = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Returns what keeps the session alive while the request is under way; `None` if it was not loaded.
fn keep_alive(pending: &RequestSession) -> Option<KeepAlive> {
    pending.is_loaded().then(|| pending.keep_alive())
}

/// A response that waits for its session to be saved.
struct Commit<T> {
    response: Option<T>,
    work: Pin<Box<dyn Future<Output = Result<ResponseUpdate, Error>> + Send>>,
}

/// The request's session; ensures that a log-out is not lost with the request.
struct Guard {
    pending: RequestSession,
    settings: Arc<Settings>,
    /// For the application's own error page; without one no request is copied.
    request: Option<Box<FailedRequest>>,
    done: bool,
}

impl<F: Future> ResponseFuture<F> {
    pub(crate) fn new(
        inner: F,
        pending: RequestSession,
        settings: Arc<Settings>,
        request: Option<Box<FailedRequest>>,
    ) -> Self {
        let session = Some(Guard { pending, settings, request, done: false });
        Self { inner, session, alive: None, commit: None }
    }

    /// Makes the future of a request whose session a layer around this one keeps.
    pub(crate) fn nested(inner: F) -> Self {
        Self { inner, session: None, alive: None, commit: None }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default + 'static,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.commit.is_none() {
            let Poll::Ready(result) = this.inner.poll(cx) else {
                if let Some(guard) = this.session {
                    guard.poll_alive(this.alive, cx);
                }
                return Poll::Pending;
            };
            *this.alive = None;
            let Some(guard) = this.session else { return Poll::Ready(result) };
            let Ok(mut response) = result else { return Poll::Ready(result) };
            guard.word(&mut response);
            if let Some(outcome) = guard.pending.try_finish() {
                guard.finish(&mut response, outcome);
                return Poll::Ready(Ok(response));
            }
            let pending = guard.pending.clone();
            let work = Box::pin(async move { pending.commit().await });
            *this.commit = Some(Box::new(Commit { response: Some(Ok(response)), work }));
        }
        let (Some(commit), Some(guard)) = (this.commit, this.session) else { return Poll::Pending };
        let outcome = ready!(commit.work.as_mut().poll(cx));
        let Some(Ok(mut response)) = commit.response.take() else { return Poll::Pending };
        let outcome = outcome.unwrap_or_else(|error| {
            // A handler's own failure came first, and says more about the request.
            if !response.status().is_server_error() {
                response = guard.answer(Arc::new(error));
            }
            guard.pending.outcome_on_error()
        });
        guard.finish(&mut response, outcome);
        Poll::Ready(Ok(response))
    }
}

impl Guard {
    /// Lets the session live on for as long as the handler takes.
    fn poll_alive(&self, alive: &mut Option<KeepAlive>, cx: &mut Context<'_>) {
        if alive.is_none() {
            *alive = keep_alive(&self.pending);
        }
        if let Some(work) = alive {
            let _never = work.as_mut().poll(cx);
        }
    }

    fn custom(&self) -> Option<(&OnError, &FailedRequest)> {
        self.settings.on_error.as_deref().zip(self.request.as_deref())
    }

    /// Has the application, or the configuration, word what an extractor, or an error that a handler returned, says by
    /// itself.
    fn word<B: Default + 'static>(&self, response: &mut Response<B>) {
        if self.settings.on_error.is_none() && answers_outages_as_usual(self.pending.manager()) {
            return;
        }
        if let Some(error) = unanswered(response).cloned() {
            *response = self.answer(error);
        }
    }

    fn answer<B: Default + 'static>(&self, error: Arc<Error>) -> Response<B> {
        let (kind, custom) = (error.kind(), self.custom());
        let mut response = shared(error, custom);
        let worded = custom.map(|_| response.status().as_u16());
        let headers = response.headers_mut();
        if let Some(status) = answer_outage(headers, kind, worded, self.pending.manager()) {
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        }
        response
    }

    fn finish<B>(&mut self, response: &mut Response<B>, outcome: ResponseUpdate) {
        self.done = true;
        let engine = self.pending.manager();
        if write_headers(response.headers_mut(), outcome, engine) == Sharing::Shared {
            self.settings.warnings.shared_cache(engine);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.done {
            self.pending.unanswered();
        }
    }
}

impl<F: Future> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture(..)")
    }
}
