//! The middleware that asks for a CSRF token.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, UPGRADE};
use actix_web::{Error as ActixError, HttpMessage as _};
use cloakroom::adapter::Handshake;
use cloakroom::{Error, RequestSession};
use smallvec::SmallVec;

use crate::SessionError;

/// Answers 403 to every request that may change something (all but `GET`, `HEAD`, `OPTIONS` and `TRACE`) and does not
/// bring a CSRF token of its session in the header `X-CSRF-Token`; the handler is then not called.
///
/// It belongs inside of [`SessionMiddleware`](crate::SessionMiddleware), around routes that scripts call: a page gives its
/// script the token that [`csrf_token`](cloakroom::Session::csrf_token) makes, and the script sends it with each request.
/// A form sends its token in the body, which is the handler's to read: call
/// [`require_csrf_token`](cloakroom::Session::require_csrf_token) there, without this middleware.
///
/// A WebSocket's handshake is a `GET`, carries cookies, and cannot bring a token. It is refused if a page of another
/// origin began it, by what the browser says in `Sec-Fetch-Site` or `Origin`; see
/// [`allow_origin`](Self::allow_origin).
///
/// ```
/// use actix_web::{App, web};
/// use cloakroom_actix::{CsrfMiddleware, Session, SessionError, SessionMiddleware, stores::MemoryStore};
///
/// async fn token(session: Session) -> Result<String, SessionError> {
///     Ok(session.csrf_token()?)
/// }
///
/// async fn buy() -> &'static str {
///     "bought"
/// }
///
/// let app = App::new()
///     .wrap(SessionMiddleware::new(MemoryStore::new()))
///     .route("/token", web::get().to(token))
///     .service(web::scope("/shop").wrap(CsrfMiddleware::new()).route("/buy", web::post().to(buy)));
/// # let _ = app;
/// ```
#[derive(Clone, Debug, Default)]
pub struct CsrfMiddleware {
    origins: Arc<[HeaderValue]>,
}

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

impl CsrfMiddleware {
    /// Makes the middleware.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows handshakes of WebSockets, too, that pages of this origin begin: `https://shop.example`, as a browser
    /// writes it. Needed for pages on another host, and behind a proxy that changes `Host` for browsers that do not
    /// send `Sec-Fetch-Site`. Default: only pages of the address that was asked. Call it again for each origin.
    #[must_use]
    pub fn allow_origin(self, origin: HeaderValue) -> Self {
        Self { origins: self.origins.iter().cloned().chain([origin]).collect() }
    }
}

impl<S, B> Transform<S, ServiceRequest> for CsrfMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = ActixError;
    type Transform = CsrfService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(CsrfService { inner: Rc::new(inner), origins: self.origins.clone() }))
    }
}

/// A service that is asked only with a CSRF token; made by [`CsrfMiddleware`].
#[derive(Debug)]
pub struct CsrfService<S> {
    inner: Rc<S>,
    origins: Arc<[HeaderValue]>,
}

impl<S, B> Service<ServiceRequest> for CsrfService<S>
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
        let (inner, origins) = (self.inner.clone(), self.origins.clone());
        Box::pin(async move {
            match judge(&request, &origins).await {
                Ok(()) => Ok(inner.call(request).await?.map_into_left_body()),
                Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
            }
        })
    }
}

/// Returns why a request is refused.
async fn judge(request: &ServiceRequest, origins: &[HeaderValue]) -> Result<(), SessionError> {
    if is_handshake(request) {
        let is_from_here = is_from_here(request, origins);
        return if is_from_here { Ok(()) } else { Err(Error::csrf_rejected().into()) };
    }
    if [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(request.method()) {
        return Ok(());
    }
    let session = request.extensions().get::<RequestSession>().cloned();
    let session = session.ok_or(SessionError::NO_MIDDLEWARE)?;
    let token = request.headers().get(&TOKEN).cloned();
    Ok(session.require_csrf_token(token.as_ref().map(HeaderValue::as_bytes)).await?)
}

/// Returns whether a request asks for another protocol: over HTTP/1.1 a `GET` with `Upgrade`, over HTTP/2 a `CONNECT`.
fn is_handshake(request: &ServiceRequest) -> bool {
    let method = request.method();
    method == Method::CONNECT || (method == Method::GET && request.headers().contains_key(UPGRADE))
}

fn is_from_here(request: &ServiceRequest, origins: &[HeaderValue]) -> bool {
    let (headers, uri) = (request.headers(), request.uri());
    let host = || headers.get(HOST)?.to_str().ok();
    let (origin, site) = (lines(headers, &ORIGIN), lines(headers, &SEC_FETCH_SITE));
    let host = uri.authority().map(|authority| authority.as_str()).or_else(host);
    let handshake = Handshake::new(&origin, &site).with_host(host).with_https(request.app_config().secure());
    handshake.is_from_here(origins)
}

fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> SmallVec<[&'a [u8]; 2]> {
    headers.get_all(name).map(HeaderValue::as_bytes).collect()
}
