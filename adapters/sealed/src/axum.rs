//! The extractor for axum.

use std::fmt;

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::IrrevocableSession;

impl<S: Sync> FromRequestParts<S> for IrrevocableSession {
    type Rejection = NoLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoLayer> {
        Self::of(&parts.headers, &parts.extensions).ok_or(NoLayer)
    }
}

/// Says that a route has no [`IrrevocableLayer`](crate::IrrevocableLayer): a 500, as a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLayer;

impl IntoResponse for NoLayer {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl fmt::Display for NoLayer {
    /// Names the cure; it says nothing about a deployment that works.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "This route has no sealed sessions: call `.layer(IrrevocableLayer::new(config)?)` on the router, after the \
             `.route(..)` of this handler.",
        )
    }
}

impl std::error::Error for NoLayer {}
