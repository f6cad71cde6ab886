//! Sealed sessions, as an application and its clients meet them.
#![expect(clippy::unwrap_used, reason = "a test that is surprised fails")]

mod attacks;
mod browser;
mod responses;
mod sizes;

use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use cloakroom::{ManualClock, Timestamp};
use cloakroom_sealed::{Error, IrrevocableConfig, IrrevocableLayer, IrrevocableSession, SealingKeys};

const OLD: &str = "the quick brown fox jumps over the lazy dog";
const NEW: &str = "pack my box with five dozen liquor jugs, now";

const LIFETIME: Duration = Duration::from_secs(3_600);

fn keys() -> SealingKeys {
    SealingKeys::new([OLD]).unwrap()
}

fn config(clock: &ManualClock) -> IrrevocableConfig {
    IrrevocableConfig::new(keys()).lifetime(LIFETIME).clock(clock.clone())
}

fn now() -> ManualClock {
    ManualClock::at(Timestamp::now())
}

async fn set(
    session: IrrevocableSession,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<&'static str, Error> {
    for (key, value) in pairs {
        session.insert(&key, value)?;
    }
    Ok("set")
}

async fn show(session: IrrevocableSession) -> Result<String, Error> {
    Ok(format!("{} {:?}", session.is_new(), session.entries::<String>()?))
}

fn app(config: IrrevocableConfig) -> Router {
    Router::new()
        .route("/set", get(set))
        .route("/show", get(show))
        .route("/static", get(async || "static"))
        .route("/remove/{key}", get(remove))
        .route("/destroy", get(async |session: IrrevocableSession| session.destroy()))
        .route("/reset", get(async |session: IrrevocableSession| session.reset()))
        .layer(IrrevocableLayer::new(config).unwrap())
}

async fn remove(
    session: IrrevocableSession,
    axum::extract::Path(key): axum::extract::Path<String>,
) -> Result<String, Error> {
    Ok(format!("{:?}", session.take::<String>(&key)?))
}
