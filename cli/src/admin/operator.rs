//! An operator who is logged in.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom_tower::Session;

use crate::demo::page::{Failure, Posted};

/// A request of an operator who is logged in; others are sent to the log-in.
pub(super) struct Operator(pub(super) Session);

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let session = Session::from_request_parts(parts, state).await;
        let session = session.map_err(|error| Failure::from(error).into_response())?;
        if session.user().is_none() {
            return Err(Redirect::to("/log-in").into_response());
        }
        Ok(Self(session))
    }
}

/// A form of an operator who is logged in, from a page of this server.
pub(super) struct Order(pub(super) Posted);

impl<S: Send + Sync> FromRequest<S> for Order {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let posted = Posted::from_request(request, state).await?;
        if posted.session.user().is_none() {
            return Err(Failure::new(StatusCode::FORBIDDEN, "You are not logged in, so nothing was done."));
        }
        Ok(Self(posted))
    }
}
