//! What a request costs as the store and the session grow: it must not depend on the number of sessions, nor on values
//! that it does not touch, beyond passing over and copying them.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use cloakroom_store::{Record, Store, StoreKey, Timestamp};
use cloakroom_tower::cloakroom::PlainRequest;
use cloakroom_tower::{Config, SessionLayer, SessionManager, stores::MemoryStore};

use crate::apps;
use crate::measure::instructions_of;
use crate::scenario::{Scenario, request};

/// How large everything is.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Size {
    /// How many other sessions the store holds.
    sessions: u64,
    /// How many bytes of other values the session holds, in values of up to 1,000 bytes.
    bytes: usize,
}

const SMALL: Size = Size { sessions: 1, bytes: 100 };
const SESSIONS: [u64; 3] = [1_000, 100_000, 1_000_000];
const BYTES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

/// Measures both curves; takes minutes, because a million sessions are made under valgrind.
pub(crate) fn print() -> Result<String, Box<dyn Error>> {
    let mut out = String::from(
        "Instructions of a whole request, the framework included\n\n| | read | write |\n|---|---|---|\n",
    );
    for sessions in SESSIONS {
        row(&mut out, &format!("{sessions} sessions"), Size { sessions, ..SMALL })?;
    }
    for bytes in BYTES {
        row(&mut out, &format!("{bytes} bytes in the session"), Size { bytes, ..SMALL })?;
    }
    Ok(out)
}

fn row(out: &mut String, name: &str, size: Size) -> Result<(), Box<dyn Error>> {
    let of = |scenario: Scenario| {
        instructions_of(&["grown", &scenario.name(), &size.sessions.to_string(), &size.bytes.to_string()])
    };
    let (read, write) = (of(Scenario::Read)?, of(Scenario::Write)?);
    writeln!(out, "| {name} | {read} | {write} |")?;
    Ok(())
}

/// Sends requests of one session that lies among others.
pub(crate) fn run(scenario: Scenario, size: Size, times: u32) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Arc::new(MemoryStore::builder().max_bytes(u64::MAX).build());
        crowd(&store, size.sessions).await?;
        let engine = SessionManager::from_arc(store, Config::plain_http().max_size(4 << 20))?;
        let cookie = begin(&engine, size.bytes).await?;
        let mut app = apps::cloakroom().layer(SessionLayer::from_manager(engine)).into_service::<Body>();
        for _ in 0..times {
            request(&mut app, scenario, &cookie).await?;
        }
        Ok(())
    })
}

/// Fills a store with sessions of 100 bytes that no request asks for.
async fn crowd(store: &MemoryStore, sessions: u64) -> Result<(), Box<dyn Error>> {
    let expires_at = Timestamp::now() + Duration::from_secs(3_600);
    for number in 0..sessions {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let record = Record::new(vec![7; 100], expires_at);
        let _ = store.create(&StoreKey::from_hash(key), &record).await?;
    }
    Ok(())
}

/// Stores the session and says its cookie.
async fn begin(engine: &SessionManager, bytes: usize) -> Result<String, Box<dyn Error>> {
    let pending = engine.begin(&PlainRequest::default());
    let session = pending.load().await?;
    session.insert("user_id", 4711)?;
    session.insert("visits", 1)?;
    for (number, begin) in (0..bytes).step_by(1_000).enumerate() {
        session.insert(&format!("other {number}"), "x".repeat((bytes - begin).min(1_000)))?;
    }
    let cookie = pending.commit().await?.set_cookie.ok_or("no cookie was set")?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}
