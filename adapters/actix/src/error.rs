//! Why a handler did not get its session, as a response.

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use cloakroom::adapter::forbid_storing;
use cloakroom::{Error, ErrorKind};

use crate::headers::Headers;

/// Why a handler did not get its session, or could not use it; `?` converts every [`Error`] into one.
///
/// As a response it is the status of the error's kind and one line that tells a client nothing it must not know, or what
/// [`SessionMiddleware::on_error`](crate::SessionMiddleware::on_error) returns for it.
#[derive(Clone)]
pub struct SessionError(Cause);

#[derive(Clone, Debug)]
enum Cause {
    NoMiddleware,
    Session(Arc<Error>),
}

/// Names the cure; it says nothing about a deployment that works.
const NO_MIDDLEWARE: &str = "This route has no sessions: call `.wrap(SessionMiddleware::new(store))` on the `App` or \
    on a scope around this handler.";

impl SessionError {
    /// The route has no session middleware, or none of the name.
    pub const NO_MIDDLEWARE: Self = Self(Cause::NoMiddleware);

    /// Returns the engine's error; `None` if the route has no [`SessionMiddleware`](crate::SessionMiddleware).
    pub fn error(&self) -> Option<&Arc<Error>> {
        match &self.0 {
            Cause::NoMiddleware => None,
            Cause::Session(error) => Some(error),
        }
    }

    /// Returns what a caller can do about it; `None` as for [`error`](Self::error).
    pub fn kind(&self) -> Option<ErrorKind> {
        self.error().map(|error| error.kind())
    }
}

impl From<Error> for SessionError {
    fn from(error: Error) -> Self {
        Self(Cause::Session(Arc::new(error)))
    }
}

impl From<Arc<Error>> for SessionError {
    fn from(error: Arc<Error>) -> Self {
        Self(Cause::Session(error))
    }
}

impl ResponseError for SessionError {
    fn status_code(&self) -> StatusCode {
        self.kind().map_or(StatusCode::INTERNAL_SERVER_ERROR, status_code)
    }

    fn error_response(&self) -> HttpResponse {
        let text = self.kind().map_or(NO_MIDDLEWARE, ErrorKind::client_text);
        let mut response =
            HttpResponse::build(self.status_code()).content_type(ContentType::plaintext()).body(text);
        let headers = response.headers_mut();
        forbid_storing(&mut Headers(headers));
        if self.kind().is_some_and(ErrorKind::is_temporary) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Returns the status that an error of the engine is answered with: [`ErrorKind::status`].
pub fn status_code(kind: ErrorKind) -> StatusCode {
    StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::NoMiddleware => f.write_str(NO_MIDDLEWARE),
            Cause::Session(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error().map(|error| &**error as _)
    }
}
