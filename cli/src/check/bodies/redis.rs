//! Bodies in Redis, as connect-redis and koa-redis keep them, under a prefix of the check's own.

use cloakroom_conformance::bodies::{Expiry, Harness, OtherPackage};
use cloakroom_redis::RedisStore;
use cloakroom_redis::redis::aio::MultiplexedConnection;
use cloakroom_redis::redis::{Client, RedisResult, cmd};
use cloakroom_tower::store::{Result, Timestamp, async_trait};

use super::{Bodies, refused, unusable};
use crate::stores::{self, Tidied, Trial};
use crate::trouble::Trouble;

/// What connect-redis does, on a connection of its own.
#[derive(Clone)]
struct Node {
    connection: MultiplexedConnection,
    prefix: String,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Node").field(&self.prefix).finish()
    }
}

/// Opens them on one server; the check has no client for others.
pub(super) async fn open(url: &str, trial: &Trial) -> std::result::Result<Bodies, Trouble> {
    let url = stores::bodies::client_url(url, &["layout", "prefix"])?;
    let prefix = format!("{}:", trial.prefix);
    let builder = RedisStore::from_url(&url).map_err(|error| unusable(&error))?;
    let builder = builder.prefix(&*prefix).clock(trial.clock.clone());
    let store = builder.build_bodies().await.map_err(|error| unusable(&error))?;
    let connection = connect(&url).await.map_err(|error| unusable(&error))?;
    let node = Node { connection, prefix };
    let harness = Harness::new(store, trial.clock.clone(), node.clone()).expiry(Expiry::ServersClock);
    Ok(Bodies { harness, tidy: Box::pin(remove(node)) })
}

async fn connect(url: &str) -> RedisResult<MultiplexedConnection> {
    Client::open(url.split('?').next().unwrap_or_default())?.get_multiplexed_async_connection().await
}

/// Removes bodies and marks, whose names have the prefix at one of two places.
async fn remove(mut node: Node) -> Tidied {
    for pattern in [format!("{}*", node.prefix), format!("cloakroom-ended:{{{}*", node.prefix)] {
        let mut cursor = 0_u64;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1_000);
            let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut node.connection).await?;
            if !keys.is_empty() {
                let _removed: u64 = cmd("DEL").arg(keys).query_async(&mut node.connection).await?;
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
    }
    Ok(())
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let seconds = expires_at.since(Timestamp::now()).as_secs() + 1;
        let mut set = cmd("SET");
        set.arg(format!("{}{id}", self.prefix)).arg(body).arg("EX").arg(seconds);
        set.query_async(&mut self.connection.clone()).await.map_err(refused)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let mut exists = cmd("EXISTS");
        exists.arg(format!("{}{id}", self.prefix));
        exists.query_async(&mut self.connection.clone()).await.map_err(refused)
    }
}
