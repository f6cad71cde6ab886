//! Handlers that ask the server themselves, with as little as possible around it.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cloakroom_postgres::sqlx::{self, PgPool, postgres::PgPoolOptions};
use cloakroom_redis::redis::{self, AsyncCommands, aio::ConnectionManager};

use crate::Result;
use crate::apps::filling;

/// The id after `session=`.
fn id(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::COOKIE)?.to_str().ok()?.strip_prefix("session=")
}

/// A new id and what it names.
fn begun() -> (String, Vec<u8>, [(header::HeaderName, String); 1]) {
    use std::hash::{BuildHasher, RandomState};
    let id = format!("{:016x}", RandomState::new().hash_one(0));
    let cookie = format!("session={id}; Path=/; HttpOnly");
    (id, filling().into_bytes(), [(header::SET_COOKIE, cookie)])
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

pub(crate) async fn on_redis(url: &str) -> Result<Router> {
    let manager = redis::Client::open(url)?.get_connection_manager().await?;
    Ok(Router::new()
        .route("/begin", get(redis_begin))
        .route("/read", get(redis_read))
        .route("/write", get(redis_write))
        .with_state(manager))
}

async fn redis_begin(State(mut redis): State<ConnectionManager>) -> Result<impl IntoResponse, Fault> {
    let (id, bytes, cookie) = begun();
    redis.set::<_, _, ()>(id, bytes).await?;
    Ok((cookie, "hello"))
}

async fn redis_read(State(mut redis): State<ConnectionManager>, headers: HeaderMap) -> Answer {
    let bytes: Vec<u8> = redis.get(id(&headers).ok_or(Fault)?).await?;
    Ok(if bytes.is_empty() { "whose?" } else { "hello" })
}

async fn redis_write(State(mut redis): State<ConnectionManager>, headers: HeaderMap) -> Answer {
    let id = id(&headers).ok_or(Fault)?;
    let mut bytes: Vec<u8> = redis.get(id).await?;
    bytes[0] ^= 1;
    redis.set_ex::<_, _, ()>(id, bytes, 1_800).await?;
    Ok("hello")
}

pub(crate) async fn on_postgres(url: &str) -> Result<Router> {
    let pool = PgPoolOptions::new().max_connections(10).connect(url).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS bare (id text PRIMARY KEY, payload bytea NOT NULL)")
        .execute(&pool)
        .await?;
    Ok(Router::new()
        .route("/begin", get(postgres_begin))
        .route("/read", get(postgres_read))
        .route("/write", get(postgres_write))
        .with_state(pool))
}

async fn postgres_begin(State(pool): State<PgPool>) -> Result<impl IntoResponse, Fault> {
    let (id, bytes, cookie) = begun();
    sqlx::query("INSERT INTO bare VALUES ($1, $2)").bind(id).bind(bytes).execute(&pool).await?;
    Ok((cookie, "hello"))
}

async fn select(pool: &PgPool, id: &str) -> Result<Vec<u8>, Fault> {
    Ok(sqlx::query_scalar("SELECT payload FROM bare WHERE id = $1").bind(id).fetch_one(pool).await?)
}

async fn postgres_read(State(pool): State<PgPool>, headers: HeaderMap) -> Answer {
    let bytes = select(&pool, id(&headers).ok_or(Fault)?).await?;
    Ok(if bytes.is_empty() { "whose?" } else { "hello" })
}

async fn postgres_write(State(pool): State<PgPool>, headers: HeaderMap) -> Answer {
    let id = id(&headers).ok_or(Fault)?;
    let mut bytes = select(&pool, id).await?;
    bytes[0] ^= 1;
    sqlx::query("UPDATE bare SET payload = $2 WHERE id = $1").bind(id).bind(bytes).execute(&pool).await?;
    Ok("hello")
}
