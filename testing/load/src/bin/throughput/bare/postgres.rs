//! `SELECT` and `UPDATE` by hand.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::get;
use cloakroom_postgres::sqlx::{self, PgPool, postgres::PgPoolOptions};

use super::{Answer, Fault, Held, begun, id};
use crate::Result;

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
        .bind(serde_json::to_vec(&Held::new())?)
        .execute(&pool)
        .await?;
    Ok((cookie, "hello"))
}

async fn select(pool: &PgPool, id: &str) -> Result<Held, Fault> {
    let payload: Vec<u8> =
        sqlx::query_scalar("SELECT payload FROM bare WHERE id = $1").bind(id).fetch_one(pool).await?;
    Ok(serde_json::from_slice(&payload)?)
}

async fn read(State(pool): State<PgPool>, headers: HeaderMap) -> Answer {
    let held = select(&pool, id(&headers).ok_or(Fault)?).await?;
    Ok(if held.visits < u64::MAX { "hello" } else { "too many" })
}

async fn write(State(pool): State<PgPool>, headers: HeaderMap) -> Answer {
    let id = id(&headers).ok_or(Fault)?;
    let mut held = select(&pool, id).await?;
    held.visits += 1;
    let payload = serde_json::to_vec(&held)?;
    sqlx::query("UPDATE bare SET payload = $2 WHERE id = $1").bind(id).bind(payload).execute(&pool).await?;
    Ok("hello")
}
