//! Opens stores by URL, as durable as each can be.

use std::{sync::Arc, time::Duration};

use cloakroom::{
    store::Store,
    stores::{CachedStore, FileStore},
};
use cloakroom_dynamodb::DynamoStore;
use cloakroom_etcd::EtcdStore;
use cloakroom_memcached::MemcachedStore;
use cloakroom_mongodb::MongoStore;
use cloakroom_mysql::MysqlStore;
use cloakroom_postgres::PostgresStore;
use cloakroom_redb::RedbStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;

use crate::Result;

/// The scheme of a fast store and a durable one behind it: `tiered:FAST DURABLE`.
pub(crate) const TIERED: &str = "tiered:";

/// How old an answer of the fast tier may be: shorter than a session lives unused.
const STALENESS: Duration = Duration::from_secs(2);

/// How long a fast tier is waited for. One that is left out of a write serves others what was there before, which is
/// allowed for [`STALENESS`], and which the checker does not know of: so on a busy machine it gets more time than usual.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn open(url: &str) -> Result<Arc<dyn Store>> {
    let Some(tiers) = url.strip_prefix(TIERED) else { return open_one(url).await };
    let (fast, durable) = tiers.split_once(' ').ok_or("tiers are two URLs with a space between them")?;
    let builder = CachedStore::builder(open_one(fast).await?, open_one(durable).await?);
    Ok(Arc::new(builder.max_staleness(STALENESS).cache_timeout(PATIENCE).build()))
}

async fn open_one(url: &str) -> Result<Arc<dyn Store>> {
    let (scheme, place) = url.split_once(':').ok_or("a store's URL has a colon")?;
    Ok(match scheme {
        "dynamodb" => {
            let builder = DynamoStore::from_url(url)?;
            builder.create_tables().await?;
            Arc::new(builder.build().await?)
        }
        "etcd" => Arc::new(EtcdStore::open(url).await?),
        "etcds" => {
            let (url, authority) = url.split_once("?ca=").ok_or("a URL with TLS ends with ?ca=FILE")?;
            Arc::new(EtcdStore::from_url(url)?.root_certificates(std::fs::read(authority)?).build().await?)
        }
        "file" => Arc::new(FileStore::builder(place).build().await?),
        "memcached" => Arc::new(MemcachedStore::open(url).await?),
        "mongodb" => Arc::new(MongoStore::open(url).await?),
        "mysql" => {
            MysqlStore::from_url(url)?.create_tables().await?;
            Arc::new(MysqlStore::open(url).await?)
        }
        "postgres" => {
            PostgresStore::from_url(url)?.create_tables().await?;
            Arc::new(PostgresStore::open(url).await?)
        }
        "redb" => Arc::new(RedbStore::open(place).await?),
        "redis" | "redis+cluster" | "redis+sentinel" => Arc::new(RedisStore::open(url).await?),
        "sqlite" => Arc::new(SqliteStore::builder(place).build().await?),
        _ => return Err(format!("the history checker knows no store {scheme}:").into()),
    })
}
