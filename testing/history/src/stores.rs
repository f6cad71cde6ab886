//! Opens stores by URL, as durable as each can be.

use std::sync::Arc;

use cloakroom::{store::Store, stores::FileStore};
use cloakroom_dynamodb::DynamoStore;
use cloakroom_etcd::EtcdStore;
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;

use crate::Result;

pub(crate) async fn open(url: &str) -> Result<Arc<dyn Store>> {
    let (scheme, place) = url.split_once(':').ok_or("a store's URL has a colon")?;
    Ok(match scheme {
        "dynamodb" => {
            let builder = DynamoStore::at(url)?;
            builder.create_table().await?;
            Arc::new(builder.open().await?)
        }
        "etcd" => Arc::new(EtcdStore::open(url).await?),
        "file" => Arc::new(FileStore::builder(place).open().await?),
        "postgres" => {
            PostgresStore::builder(url)?.create_tables().await?;
            Arc::new(PostgresStore::open(url).await?)
        }
        "redis" | "redis+cluster" | "redis+sentinel" => Arc::new(RedisStore::open(url).await?),
        "sqlite" => Arc::new(SqliteStore::builder(place).open().await?),
        _ => return Err(format!("the history checker knows no store {scheme}:").into()),
    })
}
