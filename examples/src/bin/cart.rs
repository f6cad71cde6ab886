//! A cart that parallel requests fill: every item arrives, every count counts.
//!
//! ```console
//! $ cargo run -p cloakroom-examples --bin cart
//! $ curl -c jar -b jar http://127.0.0.1:3000/
//! $ for n in $(seq 20); do curl -s -b jar -X POST http://127.0.0.1:3000/add/$n & done; wait
//! $ curl -b jar http://127.0.0.1:3000/
//! ```

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use cloakroom_tower::{Config, Session, SessionError, SessionLayer, stores::MemoryStore};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    number: u32,
}

async fn show(session: Session) -> Result<String, SessionError> {
    session.insert("seen", true)?;
    let items: Vec<Item> = session.get_or("items", Vec::new())?;
    let total: i64 = session.get_or("total", 0)?;
    Ok(format!("{} items, {total} added\n", items.len()))
}

/// Slow on purpose, so that the requests overlap.
async fn add(session: Session, Path(number): Path<u32>) -> Result<(), SessionError> {
    session.push("items", Item { number })?;
    session.increment("total", 1)?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/", get(show))
        .route("/add/{number}", post(add))
        .layer(SessionLayer::with_config(MemoryStore::new(), Config::plain_http())?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
