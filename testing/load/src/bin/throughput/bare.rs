//! Handlers that ask the server themselves, with as little as possible around it.

mod postgres;
mod redis;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

pub(crate) use postgres::on_postgres;
pub(crate) use redis::on_redis;

use crate::Result;
use crate::apps::filling;

/// What a session holds, as JSON.
#[derive(Deserialize, Serialize)]
struct Held {
    visits: u64,
    filling: String,
}

impl Held {
    fn new() -> Self {
        Self { visits: 0, filling: filling() }
    }
}

/// The id after `session=`.
fn id(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::COOKIE)?.to_str().ok()?.strip_prefix("session=")
}

/// A new id and its cookie.
fn begun() -> (String, [(header::HeaderName, String); 1]) {
    use std::hash::{BuildHasher, RandomState};
    let [one, two] = [(); 2].map(|()| RandomState::new().hash_one(0));
    let id = format!("{one:016x}{two:016x}");
    let cookie = format!("session={id}; Path=/; HttpOnly");
    (id, [(header::SET_COOKIE, cookie)])
}

/// What the handlers answer with if the server or the client is at fault.
struct Fault;

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl<E: std::error::Error> From<E> for Fault {
    fn from(_: E) -> Self {
        Self
    }
}

type Answer = Result<&'static str, Fault>;
