//! The response, and the commit before it leaves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BoxBody, EitherBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::{Error as ActixError, HttpRequest, HttpResponse, ResponseError as _};
use cloakroom::adapter::{Sharing, answer_outage, forbid_storing, write_headers};
use cloakroom::{Error, RequestSession, ResponseUpdate};
use pin_project_lite::pin_project;

use crate::SessionError;
use crate::headers::Headers;
use crate::middleware::Settings;

pin_project! {
    /// The response of a service with sessions around it. Where nothing must be stored it is polled in place.
    pub struct SessionFuture<F, B> {
        #[pin]
        inner: F,
        session: Option<Guard>,
        alive: Option<KeepAlive>,
        commit: Option<Commit<B>>,
    }
}

/// Work that never ends: it is dropped when the response is there.
type KeepAlive = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the middleware answers.
type Answer<B> = ServiceResponse<EitherBody<B>>;

/// A response that waits for its session to be saved.
struct Commit<B> {
    response: Option<Answer<B>>,
    work: Pin<Box<dyn Future<Output = Result<ResponseUpdate, Error>> + Send>>,
}

/// The request's session; ensures that a log-out is not lost with the request.
struct Guard {
    session: RequestSession,
    settings: Arc<Settings>,
    done: bool,
}

/// Marks a response that the application worded, so that a middleware around this one leaves it as it is.
struct Worded;

impl<F, B> SessionFuture<F, B> {
    pub(crate) fn new(inner: F, session: RequestSession, settings: Arc<Settings>) -> Self {
        let session = Some(Guard { session, settings, done: false });
        Self { inner, session, alive: None, commit: None }
    }

    /// Makes the future of a request whose session a middleware around this one keeps.
    pub(crate) fn nested(inner: F) -> Self {
        Self { inner, session: None, alive: None, commit: None }
    }
}

impl<F, B> Future for SessionFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, ActixError>>,
{
    type Output = Result<Answer<B>, ActixError>;

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
            let response = result?.map_into_left_body();
            let Some(guard) = this.session else { return Poll::Ready(Ok(response)) };
            let mut response = guard.word(response);
            if let Some(update) = guard.session.try_finish() {
                guard.finish(&mut response, update);
                return Poll::Ready(Ok(response));
            }
            let session = guard.session.clone();
            let work = Box::pin(async move { session.commit().await });
            *this.commit = Some(Commit { response: Some(response), work });
        }
        let (Some(commit), Some(guard)) = (this.commit, this.session) else { return Poll::Pending };
        let result = ready!(commit.work.as_mut().poll(cx));
        let Some(mut response) = commit.response.take() else { return Poll::Pending };
        let update = result.unwrap_or_else(|error| {
            // A handler's own failure came first, and says more about the request.
            if !response.status().is_server_error() {
                response = guard.answer(response.request().clone(), &error.into());
            }
            guard.session.outcome_on_error()
        });
        guard.finish(&mut response, update);
        Poll::Ready(Ok(response))
    }
}

impl Guard {
    /// Lets the session live on for as long as the handler takes.
    fn poll_alive(&self, alive: &mut Option<KeepAlive>, cx: &mut Context<'_>) {
        if alive.is_none() && self.session.is_loaded() {
            *alive = Some(self.session.keep_alive());
        }
        if let Some(work) = alive {
            let _never = work.as_mut().poll(cx);
        }
    }

    /// Has the application word what an extractor, or an error that a handler returned, says by itself.
    fn word<B>(&self, response: Answer<B>) -> Answer<B> {
        let error = response.response().error().and_then(|error| error.as_error::<SessionError>());
        match error.cloned() {
            Some(error) if response.response().extensions().get::<Worded>().is_none() => {
                self.answer(response.request().clone(), &error)
            }
            _ => response,
        }
    }

    /// Answers with the status and one line, or as the application wants.
    fn answer<B>(&self, request: HttpRequest, error: &SessionError) -> Answer<B> {
        let custom = self.settings.on_error.as_deref().zip(error.error());
        let mut response: HttpResponse<BoxBody> = match custom {
            Some((on_error, cause)) => on_error(cause, &request),
            None => error.error_response(),
        };
        forbid_storing(&mut Headers(response.headers_mut()));
        let worded = custom.map(|_| response.status().as_u16());
        if let Some(kind) = error.kind()
            && let headers = &mut Headers(response.headers_mut())
            && let Some(status) = answer_outage(headers, kind, worded, self.session.manager())
        {
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        }
        if let Some(cause) = error.error() {
            let mut extensions = response.extensions_mut();
            extensions.insert(Arc::clone(cause));
            extensions.insert(Worded);
        }
        ServiceResponse::new(request, response.map_into_right_body())
    }

    fn finish<B>(&mut self, response: &mut ServiceResponse<B>, update: ResponseUpdate) {
        self.done = true;
        let manager = self.session.manager();
        if write_headers(&mut Headers(response.headers_mut()), update, manager) == Sharing::Shared {
            self.settings.warnings.shared_cache(manager);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.done {
            self.session.unanswered();
        }
    }
}

impl<F, B> fmt::Debug for SessionFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionFuture(..)")
    }
}
