//! The server's clock.

use cloakroom_store::{Result, ServerClock, Timestamp, async_trait};
use sqlx::Row;

use crate::connections::Harmless;
use crate::error::Failure;
use crate::store::MysqlStore;

/// In microseconds since 1970, whatever the time zone.
const NOW: &str = "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)";

#[async_trait]
impl ServerClock for MysqlStore {
    async fn now(&self) -> Result<Timestamp> {
        let row = self.connections.one(Harmless::Yes, || sqlx::query(NOW)).await?;
        let micros = row.map(|row| row.try_get::<i64, _>(0)).transpose().map_err(Failure::from)?;
        Ok(Timestamp::from_micros(micros.and_then(|micros| u64::try_from(micros).ok()).unwrap_or_default()))
    }
}
