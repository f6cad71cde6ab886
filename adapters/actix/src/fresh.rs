//! The middleware that asks for a fresh log-in.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error as ActixError, HttpMessage as _};
use cloakroom::RequestSession;

use crate::SessionError;
use crate::headers::Head;

/// Answers 403 to every request whose user did not prove who they are within the last `span`, or is not logged in; the
/// handler is then not called. For routes that need the password again: a change of the address, a payment, the account's end.
///
/// It belongs inside of [`SessionMiddleware`](crate::SessionMiddleware), whose
/// [`on_error`](crate::SessionMiddleware::on_error) can lead the browser to the form for the password.
/// [`log_in`](cloakroom::Session::log_in) with the same user makes the session fresh.
///
/// ```
/// use actix_web::{App, web};
/// use cloakroom_actix::{FreshMiddleware, SessionMiddleware, stores::MemoryStore};
/// use std::time::Duration;
///
/// async fn pay() -> &'static str {
///     "paid"
/// }
///
/// let fresh = FreshMiddleware::new(Duration::from_secs(10 * 60));
/// let app = App::new()
///     .wrap(SessionMiddleware::new(MemoryStore::new()))
///     .service(web::scope("/account").wrap(fresh).route("/pay", web::post().to(pay)));
/// # let _ = app;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FreshMiddleware {
    span: Duration,
}

impl FreshMiddleware {
    /// Makes the middleware.
    pub const fn new(span: Duration) -> Self {
        Self { span }
    }
}

impl<S, B> Transform<S, ServiceRequest> for FreshMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = ActixError;
    type Transform = FreshService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(FreshService { inner: Rc::new(inner), span: self.span }))
    }
}

/// A service that is asked only by users who have just proved who they are; made by [`FreshMiddleware`].
#[derive(Debug)]
pub struct FreshService<S> {
    inner: Rc<S>,
    span: Duration,
}

impl<S, B> Service<ServiceRequest> for FreshService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = ActixError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ActixError>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, span) = (self.inner.clone(), self.span);
        Box::pin(async move {
            match judge(&request, span).await {
                Ok(()) => Ok(inner.call(request).await?.map_into_left_body()),
                Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
            }
        })
    }
}

async fn judge(request: &ServiceRequest, span: Duration) -> Result<(), SessionError> {
    let session = request.extensions().get::<RequestSession>().cloned();
    let session = session.ok_or(SessionError::NO_MIDDLEWARE)?;
    session.note_headers(&Head(request.request()));
    Ok(session.require_fresh(span).await?)
}
