//! Handlers that ask Redis themselves: the same commands and the same script with the same arguments as the store's, with as
//! little as possible around them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cloakroom_node::cookie::ExpressCookie;
use cloakroom_node_oracle::Result;
use cloakroom_redis::redis::{self, RedisResult, aio::ConnectionManager};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha1::{Digest as _, Sha1};

use crate::{PREFIX, SECRET};

const REPLACE: &str = concat!(
    include_str!("../../../../../stores/redis/src/scripts/body.lua"),
    "\n",
    include_str!("../../../../../stores/redis/src/scripts/replace_body.lua"),
    "\n"
);

/// How many seconds a session lives whose cookie says nothing.
const SECONDS: &str = "86400";

/// What the sessions of this program hold.
#[derive(Deserialize, Serialize)]
struct Held<'b> {
    #[serde(borrow)]
    cookie: &'b RawValue,
    views: u64,
    #[serde(borrow)]
    text: Cow<'b, str>,
    /// What Cloakroom has left in it.
    #[serde(borrow, rename = "__cloakroom", skip_serializing_if = "Option::is_none")]
    own: Option<&'b RawValue>,
}

/// A connection, the script by its hash, and what checks a cookie's signature, if that is checked.
#[derive(Clone)]
struct Redis {
    connection: ConnectionManager,
    replace: String,
    cookie: Option<Arc<ExpressCookie>>,
}

/// The names of a body and of the mark of an end.
struct Names {
    body: String,
    mark: String,
}

impl Redis {
    /// Returns the names for the id of a request.
    fn names(&self, headers: &HeaderMap) -> Option<Names> {
        let header = headers.get(header::COOKIE)?;
        let body = match &self.cookie {
            Some(cookie) => format!("{PREFIX}{}", cookie.read([header.as_bytes()]).into_sid()?),
            None => {
                let signed = header.to_str().ok()?.strip_prefix("connect.sid=s%3A")?;
                format!("{PREFIX}{}", signed.split_once('.')?.0)
            }
        };
        Some(Names { mark: format!("cloakroom-ended:{{{body}}}"), body })
    }

    async fn body(&mut self, names: &Names) -> RedisResult<(Vec<u8>, i64, i64)> {
        let mut look = redis::pipe();
        look.cmd("GET").arg(&names.body).cmd("PTTL").arg(&names.body).cmd("EXISTS").arg(&names.mark);
        look.query_async(&mut self.connection).await
    }

    async fn replace(&mut self, names: &Names, seen: &[u8], body: &[u8]) -> RedisResult<i64> {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.replace).arg(2).arg(&names.body).arg(&names.mark);
        command.arg(version_of(seen)).arg(body).arg(SECONDS).query_async(&mut self.connection).await
    }
}

/// The first eight bytes of the SHA-1, as the script compares them.
fn version_of(body: &[u8]) -> String {
    let mut digits = String::with_capacity(16);
    for byte in &Sha1::digest(body)[..8] {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Makes the application.
pub(crate) async fn routes(url: &str, checks_signature: bool) -> Result<Router> {
    let mut connection = redis::Client::open(url)?.get_connection_manager().await?;
    let replace = redis::cmd("SCRIPT").arg("LOAD").arg(REPLACE).query_async(&mut connection).await?;
    let cookie = checks_signature.then(|| ExpressCookie::new("connect.sid", [SECRET])).transpose()?;
    let state = Redis { connection, replace, cookie: cookie.map(Arc::new) };
    Ok(Router::new().route("/views", get(views)).route("/count", get(count)).with_state(state))
}

/// What the handlers answer if the server or the client is at fault.
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

async fn views(State(mut redis): State<Redis>, headers: HeaderMap) -> Result<String, Fault> {
    let names = redis.names(&headers).ok_or(Fault)?;
    let (body, _, _) = redis.body(&names).await?;
    let held: Held<'_> = serde_json::from_slice(&body)?;
    Ok(held.views.to_string())
}

async fn count(State(mut redis): State<Redis>, headers: HeaderMap) -> Result<String, Fault> {
    let names = redis.names(&headers).ok_or(Fault)?;
    let (seen, _, _) = redis.body(&names).await?;
    let mut held: Held<'_> = serde_json::from_slice(&seen)?;
    held.views += 1;
    let body = serde_json::to_vec(&held)?;
    match redis.replace(&names, &seen, &body).await? {
        1 => Ok(held.views.to_string()),
        _ => Err(Fault),
    }
}
