//! `SELECT` and `UPDATE` by hand.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::get;
use cloakroom_postgres::sqlx::{self, PgPool, postgres::PgPoolOptions};

use super::{Answer, Fault, begun, id};
use crate::Result;
use crate::apps::filling;

pub(crate) async fn on_postgres(url: &str) -> Result<Router> {
    let pool = PgPoolOptions::new().max_connections(10).connect(url).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS bare (id text PRIMARY KEY, payload bytea NOT NULL)")
        .execute(&pool)
        .await?;
    Ok(Router::new()
        .route("/begin", get(begin))
        .route("/read", get(read))
        .route("/write", get(write))
        .with_state(pool))
}

async fn begin(State(pool): State<PgPool>) -> Result<impl IntoResponse, Fault> {
    let (id, cookie) = begun();
    sqlx::query("INSERT INTO bare VALUES ($1, $2)")
        .bind(id)
        .bind(filling().into_bytes())
        .execute(&pool)
        .await?;
    Ok((cookie, "hello"))
}

async fn select(pool: &PgPool, id: &str) -> Result<Vec<u8>, Fault> {
    Ok(sqlx::query_scalar("SELECT payload FROM bare WHERE id = $1").bind(id).fetch_one(pool).await?)
}

async fn read(State(pool): State<PgPool>, headers: HeaderMap) -> Answer {
    let bytes = select(&pool, id(&headers).ok_or(Fault)?).await?;
    Ok(if bytes.is_empty() { "whose?" } else { "hello" })
}

async fn write(State(pool): State<PgPool>, headers: HeaderMap) -> Answer {
    let id = id(&headers).ok_or(Fault)?;
    let mut bytes = select(&pool, id).await?;
    bytes[0] ^= 1;
    sqlx::query("UPDATE bare SET payload = $2 WHERE id = $1").bind(id).bind(bytes).execute(&pool).await?;
    Ok("hello")
}
