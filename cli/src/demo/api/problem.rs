//! Errors, as the API returns them.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use cloakroom_tower::{Error, ErrorKind, SessionError};
use serde_json::json;

/// An error: a status, and `{"error": {"kind": …, "message": …}}`.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    /// Makes the error for a request that cannot be parsed.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// Converts an error of the engine. Its text is for clients too; the store's own message, in its source, is not sent.
    pub(super) fn of(error: &Error) -> Self {
        let (status, kind) = describe(error.kind());
        Self::new(status, kind, error.to_string())
    }

    pub(super) fn into_text(self) -> Response<String> {
        let body = json!({"error": {"kind": self.kind, "message": self.message}});
        let mut response = Response::new(body.to_string());
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// Returns the status and the name of an error: 400 where the request is at fault, 503 where the store is.
const fn describe(kind: ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::Encode => (StatusCode::BAD_REQUEST, "encode"),
        ErrorKind::Decode => (StatusCode::BAD_REQUEST, "decode"),
        ErrorKind::Mismatch => (StatusCode::BAD_REQUEST, "mismatch"),
        ErrorKind::TooLarge => (StatusCode::BAD_REQUEST, "too_large"),
        ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "invalid"),
        ErrorKind::CsrfRejected => (StatusCode::FORBIDDEN, "csrf_rejected"),
        ErrorKind::Gone => (StatusCode::CONFLICT, "gone"),
        ErrorKind::Contended => (StatusCode::SERVICE_UNAVAILABLE, "contended"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        ErrorKind::Store => (StatusCode::SERVICE_UNAVAILABLE, "store"),
        ErrorKind::Unsupported => (StatusCode::NOT_IMPLEMENTED, "unsupported"),
        ErrorKind::ResponseSent => (StatusCode::INTERNAL_SERVER_ERROR, "response_sent"),
        ErrorKind::Random => (StatusCode::INTERNAL_SERVER_ERROR, "random"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "other"),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        error.error().map_or_else(
            || Self::new(StatusCode::INTERNAL_SERVER_ERROR, "no_layer", "the route has no sessions"),
            Self::of,
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        self.into_text().map(Into::into)
    }
}
