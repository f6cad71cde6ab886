//! The same commands and scripts as the store's, called by hand.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::get;
use cloakroom_redis::redis::{self, RedisResult, aio::ConnectionManager};

use super::{Answer, Fault, Held, begun, id};
use crate::Result;

/// Joins the parts of a script, as the store does.
macro_rules! script {
    ($($part:literal),+) => {
        concat!($(include_str!(concat!("../../../../../../stores/redis/src/scripts/", $part, ".lua")), "\n"),+)
    };
}

const UPDATE: &str = script!("same", "common", "keep", "update");

/// How long a session lives, and how long the server keeps it, in milliseconds.
const LIFE: Duration = Duration::from_secs(1_800);
const KEPT: &str = "1860000";

/// A connection, and the script by its hash.
#[derive(Clone)]
struct Redis {
    connection: ConnectionManager,
    update: String,
}

impl Redis {
    async fn update(&mut self, id: &str, arguments: &[&[u8]]) -> RedisResult<i64> {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.update).arg(1).arg(key(id)).arg(arguments);
        command.query_async(&mut self.connection).await
    }

    /// The whole record, of which the last is what is held. A touch is not due: the session has just begun.
    async fn record(&mut self, id: &str) -> RedisResult<Vec<u8>> {
        redis::cmd("GET").arg(key(id)).query_async(&mut self.connection).await
    }
}

/// Since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn moment(since_1970: Duration) -> String {
    format!("{:018}", since_1970.as_micros())
}

/// A record without an owner, as the store writes it.
fn record(version: u64, held: &Held) -> Result<Vec<u8>, serde_json::Error> {
    let payload = serde_json::to_string(held)?;
    Ok(format!("1{}{version:016x}s{:09}000{payload}", moment(now() + LIFE), payload.len()).into_bytes())
}

/// Where a record's payload begins.
const HEAD: usize = 48;

fn key(id: &str) -> String {
    format!("session:{id}")
}

pub(crate) async fn on_redis(url: &str) -> Result<Router> {
    let mut connection = redis::Client::open(url)?.get_connection_manager().await?;
    let update = redis::cmd("SCRIPT").arg("LOAD").arg(UPDATE).query_async(&mut connection).await?;
    Ok(Router::new()
        .route("/begin", get(begin))
        .route("/read", get(read))
        .route("/write", get(write))
        .with_state(Redis { connection, update }))
}

async fn begin(State(mut redis): State<Redis>) -> Result<impl IntoResponse, Fault> {
    let (id, cookie) = begun();
    redis::cmd("SET")
        .arg(key(&id))
        .arg(record(0, &Held::new())?)
        .arg("PX")
        .arg(KEPT)
        .query_async::<()>(&mut redis.connection)
        .await?;
    Ok((cookie, "hello"))
}

async fn read(State(mut redis): State<Redis>, headers: HeaderMap) -> Answer {
    let bytes = redis.record(id(&headers).ok_or(Fault)?).await?;
    let held: Held = serde_json::from_slice(bytes.get(HEAD..).ok_or(Fault)?)?;
    Ok(if held.visits < u64::MAX { "hello" } else { "too many" })
}

async fn write(State(mut redis): State<Redis>, headers: HeaderMap) -> Answer {
    let id = id(&headers).ok_or(Fault)?;
    let seen = redis.record(id).await?;
    let version = seen.get(19..35).ok_or(Fault)?;
    let next = u64::from_str_radix(std::str::from_utf8(version)?, 16)? + 1;
    let mut held: Held = serde_json::from_slice(seen.get(HEAD..).ok_or(Fault)?)?;
    held.visits += 1;
    let (now, record) = (moment(now()), record(next, &held)?);
    let arguments = [now.as_bytes(), &record, KEPT.as_bytes(), version];
    let updated = redis.update(id, &arguments).await?;
    Ok(if updated == 1 { "hello" } else { "not updated" })
}
