//! The response, and its cookies before it leaves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use cloakroom::adapter::forbid_storing;
use http::{Response, StatusCode};
use pin_project_lite::pin_project;

use crate::session::Pending;

pin_project! {
    /// The response of a service with sealed sessions around it, polled in place.
    pub struct IrrevocableFuture<F> {
        #[pin]
        inner: F,
        pending: Pending,
    }
}

impl<F> IrrevocableFuture<F> {
    pub(crate) fn new(inner: F, pending: Pending) -> Self {
        Self { inner, pending }
    }
}

impl<F, B, E> Future for IrrevocableFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match ready!(this.inner.poll(cx)) {
            Ok(response) => response,
            error => return Poll::Ready(error),
        };
        // Without random bytes nothing can be sealed, and nothing weaker is sent: the change must not be acknowledged.
        if this.pending.finish(response.headers_mut()).is_err() {
            response = Response::new(B::default());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            forbid_storing(response.headers_mut());
        }
        Poll::Ready(Ok(response))
    }
}

impl<F> fmt::Debug for IrrevocableFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IrrevocableFuture(..)")
    }
}
