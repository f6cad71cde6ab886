//! The response, and the commit before it leaves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use cloakroom::{Error, Outcome, Pending};
use http::Response;
use pin_project_lite::pin_project;

use crate::layer::OnError;
use crate::response::write_headers;

pin_project! {
    /// The response of a service with sessions around it. Where nothing must be stored it is polled in place.
    pub struct ResponseFuture<F: Future> {
        #[pin]
        inner: F,
        session: Option<Guard>,
        commit: Option<Commit<F::Output>>,
    }
}

/// A response that waits for its session to be saved.
struct Commit<T> {
    response: Option<T>,
    work: Pin<Box<dyn Future<Output = Result<Outcome, Error>> + Send>>,
}

/// The request's session; sees to it that a log-out is not lost with the request.
struct Guard {
    pending: Pending,
    on_error: OnError,
    done: bool,
}

impl<F: Future> ResponseFuture<F> {
    pub(crate) fn new(inner: F, pending: Pending, on_error: OnError) -> Self {
        Self { inner, session: Some(Guard { pending, on_error, done: false }), commit: None }
    }

    /// A layer around this one keeps the session.
    pub(crate) fn nested(inner: F) -> Self {
        Self { inner, session: None, commit: None }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: From<String>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.commit.is_none() {
            let result = ready!(this.inner.poll(cx));
            let Some(guard) = this.session else { return Poll::Ready(result) };
            let Ok(mut response) = result else { return Poll::Ready(result) };
            if let Some(outcome) = guard.pending.settle() {
                guard.done = true;
                write_headers(response.headers_mut(), outcome, guard.pending.engine());
                return Poll::Ready(Ok(response));
            }
            let pending = guard.pending.clone();
            let work = Box::pin(async move { pending.commit().await });
            *this.commit = Some(Commit { response: Some(Ok(response)), work });
        }
        let (Some(commit), Some(guard)) = (this.commit, this.session) else { return Poll::Pending };
        let outcome = ready!(commit.work.as_mut().poll(cx));
        guard.done = true;
        let Some(Ok(mut response)) = commit.response.take() else { return Poll::Pending };
        Poll::Ready(Ok(match outcome {
            Ok(outcome) => {
                write_headers(response.headers_mut(), outcome, guard.pending.engine());
                response
            }
            Err(error) => {
                let mut response = (guard.on_error)(&error).map(B::from);
                let outcome = guard.pending.outcome_of_an_error();
                write_headers(response.headers_mut(), outcome, guard.pending.engine());
                response
            }
        }))
    }
}

impl Drop for Guard {
    /// The client went away. A log-out that the handler decided on is carried out all the same.
    fn drop(&mut self) {
        if !self.done
            && self.pending.is_ending()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let pending = self.pending.clone();
            runtime.spawn(async move { pending.abandon().await });
        }
    }
}

impl<F: Future> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture(..)")
    }
}
