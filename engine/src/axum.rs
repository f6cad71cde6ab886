//! The error as a response of axum.

use std::sync::Arc;

use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, VARY};

use crate::Error;

/// Answers with the [status](crate::ErrorKind::status) and the [sentence](crate::ErrorKind::client_text) of its kind, and with headers
/// that keep it out of every cache. The error itself is in the response's extensions, as an `Arc<Error>`.
///
/// ```
/// use axum_core::response::IntoResponse;
/// use cloakroom::Error;
/// use std::sync::Arc;
///
/// let response = Error::csrf_rejected().into_response();
/// assert_eq!(response.status(), 403);
/// assert!(response.extensions().get::<Arc<Error>>().is_some());
/// ```
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let kind = self.kind();
        let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, kind.client_text()).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store"));
        headers.insert(VARY, HeaderValue::from_static("Cookie"));
        if kind.is_temporary() {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
