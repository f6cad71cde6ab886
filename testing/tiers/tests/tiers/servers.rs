//! Stores on the servers that tests share, each empty. What is left behind goes with the servers.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;

use cloakroom_memcached::MemcachedStore;
use cloakroom_mongodb::MongoStore;
use cloakroom_mysql::MysqlStore;
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_services::Service;
use cloakroom_store::{Clock, Store};

/// Connections of a store: many tests share a server.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// A name that nothing has used before.
fn unused() -> String {
    format!("t{:016x}_", RandomState::new().hash_one(0))
}

pub(crate) async fn redis(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = RedisStore::builder(&Service::Redis.shared()).unwrap();
    Arc::new(builder.prefix(format!("{}:", unused())).clock(clock).open().await.unwrap())
}

pub(crate) async fn memcached(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = MemcachedStore::builder(&Service::Memcached.shared());
    Arc::new(builder.prefix(unused()).clock(clock).largest_payload(500_000).open().await.unwrap())
}

pub(crate) async fn mongodb(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = MongoStore::builder(&Service::Mongodb.shared());
    Arc::new(builder.collection(unused()).clock(clock).open().await.unwrap())
}

/// Its writes need not survive the server.
pub(crate) async fn postgres(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let url = format!("{}?sslmode=disable&options=-c%20synchronous_commit%3Doff", Service::Postgres.shared());
    let builder = PostgresStore::builder(&url).unwrap().table_prefix(unused()).connections(CONNECTIONS);
    builder.create_tables().await.unwrap();
    Arc::new(builder.clock(clock).open().await.unwrap())
}

pub(crate) async fn mariadb(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let url = format!("{}?ssl-mode=DISABLED", Service::Mariadb.shared());
    let builder = MysqlStore::builder(&url).unwrap().table_prefix(unused()).connections(CONNECTIONS);
    builder.create_tables().await.unwrap();
    Arc::new(builder.clock(clock).open().await.unwrap())
}
