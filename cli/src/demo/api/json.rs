//! Bodies: read to a limit, written as JSON.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The largest body that is read, in bytes.
const MOST: usize = 1 << 20;
/// How much of a larger one is thrown away, so that its sender gets to read the answer.
const THROWN_AWAY: usize = 64 << 20;

/// What the client sent as JSON, whatever it says the type is: `curl -d` says a form.
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read(request.into_body()).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            Problem::malformed(crate::renamed::step(&error).unwrap_or_else(|| error.to_string()))
        })
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::new();
    let mut size = 0_usize;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Problem::malformed("the body ended early"))?;
        size += piece.len();
        if size <= MOST {
            whole.extend_from_slice(&piece);
        } else if size > THROWN_AWAY {
            break;
        }
    }
    if size > MOST {
        let message = format!("a body has at most {MOST} bytes");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too_large", message));
    }
    Ok(whole)
}

/// Returns a JSON response.
pub(super) fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    let Ok(json) = serde_json::to_string(value) else {
        let message = "the answer cannot be written as JSON";
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "encode", message).into_response();
    };
    (status, [(CONTENT_TYPE, "application/json")], json).into_response()
}
