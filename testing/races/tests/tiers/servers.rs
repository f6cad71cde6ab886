//! Stores on the servers that tests share. What is left behind goes with the servers.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_dynamodb::DynamoStore;
use cloakroom_etcd::EtcdStore;
use cloakroom_memcached::MemcachedStore;
use cloakroom_mongodb::MongoStore;
use cloakroom_mongodb::mongodb::bson::doc;
use cloakroom_mysql::MysqlStore;
use cloakroom_postgres::PostgresStore;
use cloakroom_postgres::sqlx::{self, AssertSqlSafe, Connection as _, Executor as _};
use cloakroom_redis::RedisStore;
use cloakroom_services::Service;
use cloakroom_store::{Clock, Store};

/// Connections of a store: many tests share a server.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// How long a connection to PostgreSQL may take: a busy machine starts a process for each.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest payload where a server takes less than others.
pub(crate) const LARGEST: usize = 250_000;

/// A name that nothing has used before.
pub(crate) fn unused() -> String {
    format!("t{:016x}_", RandomState::new().hash_one(0))
}

pub(crate) async fn redis(service: Service, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = RedisStore::from_url(&service.shared()).unwrap();
    Arc::new(builder.prefix(format!("{}:", unused())).clock(clock).build().await.unwrap())
}

pub(crate) async fn memcached(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = MemcachedStore::from_url(&Service::Memcached.shared()).unwrap();
    Arc::new(builder.prefix(unused()).clock(clock).max_payload_bytes(LARGEST).build().await.unwrap())
}

pub(crate) async fn etcd(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = EtcdStore::from_url(&Service::Etcd.shared()).unwrap().prefix(format!("{}/", unused()));
    Arc::new(builder.clock(clock).max_payload_bytes(LARGEST).build().await.unwrap())
}

pub(crate) async fn dynamodb(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = DynamoStore::from_url(&format!("{}/{}", Service::Dynamodb.shared(), unused())).unwrap();
    builder.create_tables().await.unwrap();
    Arc::new(builder.clock(clock).max_payload_bytes(LARGEST).build().await.unwrap())
}

pub(crate) async fn mongodb(service: Service, collection: &str, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = MongoStore::from_url(&service.shared()).unwrap().collection(collection);
    Arc::new(builder.clock(clock).build().await.unwrap())
}

pub(crate) async fn empty_mongodb(service: Service, collection: &str) {
    let store =
        MongoStore::from_url(&service.shared()).unwrap().collection(collection).build().await.unwrap();
    store.collection().delete_many(doc! {}).await.unwrap();
}

/// Its writes need not survive the server.
fn postgres_url() -> String {
    format!("{}?sslmode=disable&options=-c%20synchronous_commit%3Doff", Service::Postgres.shared())
}

pub(crate) async fn postgres(tables: &str, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = PostgresStore::from_url(&postgres_url()).unwrap().prefix(tables).connections(CONNECTIONS);
    let builder = builder.connect_timeout(PATIENCE);
    builder.create_tables().await.unwrap();
    Arc::new(builder.clock(clock).build().await.unwrap())
}

pub(crate) async fn empty_postgres(tables: &str) {
    let mut connection = sqlx::PgConnection::connect(&postgres_url()).await.unwrap();
    connection.execute(sqlx::raw_sql(AssertSqlSafe(emptying(tables)))).await.unwrap();
    connection.close().await.unwrap();
}

fn mariadb_url() -> String {
    format!("{}?ssl-mode=DISABLED", Service::Mariadb.shared())
}

pub(crate) async fn mariadb(tables: &str, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let builder = MysqlStore::from_url(&mariadb_url()).unwrap().prefix(tables).connections(CONNECTIONS);
    builder.create_tables().await.unwrap();
    Arc::new(builder.clock(clock).build().await.unwrap())
}

pub(crate) async fn empty_mariadb(tables: &str) {
    let mut connection = cloakroom_mysql::sqlx::MySqlConnection::connect(&mariadb_url()).await.unwrap();
    connection.execute(sqlx::raw_sql(AssertSqlSafe(emptying(tables)))).await.unwrap();
    connection.close().await.unwrap();
}

fn emptying(tables: &str) -> String {
    format!("DELETE FROM {tables}records; DELETE FROM {tables}revocations")
}
