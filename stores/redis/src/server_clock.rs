//! The server's clock.

use cloakroom_store::{Result, ServerClock, Timestamp, async_trait};
use redis::{Value, cmd};

use crate::error::unexpected;
use crate::link::Aim;
use crate::store::RedisStore;

/// Not of a cluster, whose nodes have a clock each.
#[async_trait]
impl ServerClock for RedisStore {
    async fn now(&self) -> Result<Timestamp> {
        let answer = self.0.server.look_at(cmd("TIME"), &Aim::Anyone).await?;
        let Value::Array(parts) = answer else { return Err(unexpected()) };
        let [Value::BulkString(seconds), Value::BulkString(micros)] = &parts[..] else {
            return Err(unexpected());
        };
        let time = number(seconds).zip(number(micros)).map(|(seconds, micros)| seconds * 1_000_000 + micros);
        time.map(Timestamp::from_micros).ok_or_else(unexpected)
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
