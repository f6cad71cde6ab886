//! The two stores, as whoever fills and inspects them opens them.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::Store;
use cloakroom::{Clock, Config, Engine, ManualClock, SystemClock};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;

use crate::Result;

/// How long a session lives without being used: longer than the trails of ids that were given up, so that a clock can be
/// set to a moment at which all trails are over and no session is.
pub(crate) const IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// How long one lives in any case.
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an old id is excused.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
/// When trails are over.
const WITHOUT_TRAILS: Duration = Duration::from_secs(2 * 60 * 60);

/// Opens a store, and makes its tables.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn Store>> {
    open_with(url, Arc::new(SystemClock)).await
}

/// Opens a store in which there is nothing but sessions, as its clock is ahead.
pub(crate) async fn open_without_trails(url: &str) -> Result<Arc<dyn Store>> {
    open_with(url, Arc::new(ManualClock::at(SystemClock.now() + WITHOUT_TRAILS))).await
}

async fn open_with(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>> {
    if url.starts_with("postgres:") {
        let builder = PostgresStore::builder(url)?.clock(clock);
        builder.create_tables().await?;
        return Ok(Arc::new(builder.open().await?));
    }
    Ok(Arc::new(RedisStore::builder(url)?.clock(clock).open().await?))
}

/// An engine as the playground has one.
pub(crate) fn engine(store: Arc<dyn Store>) -> Result<Engine> {
    let config = Config::plain_http().idle(IDLE).absolute(ABSOLUTE).grace(GRACE).sweep_every(None);
    Ok(Engine::shared(store, config)?)
}
