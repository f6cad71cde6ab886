//! Errors as responses, all made in one place.

use std::fmt;
use std::sync::Arc;

use cloakroom::adapter::forbid_storing;
use cloakroom::{Error, ErrorKind};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};

use crate::body::body_of;

/// A response with a text body: what an application answers when a session cannot be used.
///
/// The layer goes around services of any framework, so it takes no response of axum's.
#[diagnostic::on_unimplemented(
    message = "`on_error` cannot answer with `{Self}`",
    note = "it takes `(StatusCode, String)`, `(StatusCode, [(HeaderName, &'static str); N], String)` or \
            `http::Response<String>`; a page has the header `(CONTENT_TYPE, \"text/html; charset=utf-8\")`"
)]
pub trait IntoErrorResponse {
    /// Makes the response.
    fn into_error_response(self) -> Response<String>;
}

impl IntoErrorResponse for Response<String> {
    fn into_error_response(self) -> Response<String> {
        self
    }
}

impl IntoErrorResponse for (StatusCode, String) {
    fn into_error_response(self) -> Response<String> {
        let mut response = Response::new(self.1);
        *response.status_mut() = self.0;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

impl<const N: usize> IntoErrorResponse for (StatusCode, [(HeaderName, &'static str); N], String) {
    fn into_error_response(self) -> Response<String> {
        let mut response = (self.0, self.2).into_error_response();
        for (name, value) in self.1 {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The head of a request whose session could not be used: a copy for
/// [`SessionLayer::on_error`](crate::SessionLayer::on_error).
#[non_exhaustive]
pub struct FailedRequest {
    /// The method.
    pub method: Method,
    /// The address.
    pub uri: Uri,
    /// The headers, cookies and all.
    pub headers: HeaderMap,
}

impl FailedRequest {
    pub(crate) fn copy_of<Q>(request: &Request<Q>) -> Self {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        Self { method, uri, headers: request.headers().clone() }
    }
}

impl fmt::Debug for FailedRequest {
    /// The headers and the query may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.uri.path();
        f.debug_struct("FailedRequest")
            .field("method", &self.method)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

/// Makes a response of an error.
pub(crate) type OnError = dyn Fn(&Error, &FailedRequest) -> Response<String> + Send + Sync;

/// Marks a response that a layer made of an error, so that a layer around it leaves it as it is.
#[derive(Clone, Copy)]
struct Answered;

/// Returns the status that an error of the engine is answered with: [`ErrorKind::status`].
pub const fn status_code(kind: ErrorKind) -> StatusCode {
    match StatusCode::from_u16(kind.status()) {
        Ok(status) => status,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Answers a request whose session could not be used. No cache stores the response, and the error is in its extensions.
pub(crate) fn answer_to<B: Default + 'static>(error: Error) -> Response<B> {
    shared(Arc::new(error), None)
}

/// Answers with the status and one line, or as the application wants.
pub(crate) fn shared<B: Default + 'static>(
    error: Arc<Error>,
    custom: Option<(&OnError, &FailedRequest)>,
) -> Response<B> {
    let mut response = match custom {
        Some((on_error, request)) => on_error(&error, request),
        None => plain(error.kind()),
    };
    forbid_storing(response.headers_mut());
    if custom.is_some() {
        response.extensions_mut().insert(Answered);
    }
    response.extensions_mut().insert(error);
    response.map(body_of)
}

/// Returns the error that a response tells of by itself, which is the application's to word.
pub(crate) fn unanswered<B>(response: &Response<B>) -> Option<&Arc<Error>> {
    let extensions = response.extensions();
    if extensions.get::<Answered>().is_some() { None } else { extensions.get() }
}

/// Answers a route that lacks its layer: there is no error of the engine, and no page of the application for it.
pub(crate) fn no_layer<B: Default + 'static>(line: &str) -> Response<B> {
    let mut response = (StatusCode::INTERNAL_SERVER_ERROR, line.to_owned()).into_error_response();
    forbid_storing(response.headers_mut());
    response.map(body_of)
}

/// Returns a status and one line that tells a client nothing it must not know.
fn plain(kind: ErrorKind) -> Response<String> {
    let status = status_code(kind);
    let mut response = (status, kind.client_text().to_owned()).into_error_response();
    if kind.is_temporary() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
