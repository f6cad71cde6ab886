//! Opens the two stores, to fill and to inspect them.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::Store;
use cloakroom::{Config, SessionManager};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;

use crate::Result;

/// How long a session lives without being used: longer than any test.
pub(crate) const IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// How long one lives in any case.
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an old id is served after a renewal.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// Opens a store, and makes its tables.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn Store>> {
    if url.starts_with("postgres:") {
        let builder = PostgresStore::from_url(url)?;
        builder.create_tables().await?;
        return Ok(Arc::new(builder.build().await?));
    }
    Ok(Arc::new(RedisStore::from_url(url)?.build().await?))
}

/// An engine as the playground has one.
pub(crate) fn engine(store: Arc<dyn Store>) -> Result<SessionManager> {
    let config = Config::plain_http()
        .idle_timeout(IDLE)
        .absolute_timeout(ABSOLUTE)
        .renewal_grace_period(GRACE)
        .sweep_interval(None);
    Ok(SessionManager::from_arc(store, config)?)
}
