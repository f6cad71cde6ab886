//! The stores that races are run on.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::Store;
use cloakroom::stores::{CachedStore, FileStore, MemoryStore};
use cloakroom::{Config, ManualClock};
use cloakroom_conformance::Reference;
use cloakroom_encrypted::{EncryptedStore, SealingKeys};
use cloakroom_node::Express;
use cloakroom_redb::RedbStore;
use cloakroom_sqlite::rusqlite::Connection;
use cloakroom_sqlite::{SqliteBodies, SqliteStore};
use tempfile::TempDir;

#[cfg(feature = "sql")]
use crate::tables::{self, Tables};

/// How long a session lives that is not used, unless a race says otherwise.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// How long a session lives at most.
const ABSOLUTE: Duration = Duration::from_secs(12 * 3_600);

/// A store that races are run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The contract as a program.
    Reference,
    /// Records in memory.
    Memory,
    /// Records in memory, in an application of actix-web; all others are axum's.
    Actix,
    /// A file a record.
    File,
    /// SQLite, in a file.
    Sqlite,
    /// redb, in a file.
    Redb,
    /// PostgreSQL, the server that tests share.
    #[cfg(feature = "sql")]
    Postgres,
    /// MariaDB, the server that tests share.
    #[cfg(feature = "sql")]
    Mariadb,
    /// Memory in front of SQLite, whose copies may be an hour old: in one process nothing is weaker for it.
    Tiered,
    /// Records in memory, they and the names of users sealed. On races of users only: all others see no difference.
    Encrypted,
    /// Sessions of Express, as connect-sqlite3 keeps them.
    ExpressSqlite,
    /// Sessions of Express, as connect-redis keeps them. The server's clock decides what expires.
    #[cfg(feature = "redis")]
    ExpressRedis,
    /// Redis, one server.
    #[cfg(feature = "redis")]
    Redis,
    /// Redis Cluster: the records of an owner are on different servers.
    #[cfg(feature = "redis")]
    RedisCluster,
    /// Redis, the master that sentinels name.
    #[cfg(feature = "redis")]
    RedisSentinel,
    /// Valkey, one server.
    #[cfg(feature = "redis")]
    Valkey,
    /// MongoDB, on one server.
    #[cfg(feature = "mongodb")]
    Mongodb,
    /// MongoDB, in a replica set.
    #[cfg(feature = "mongodb")]
    MongodbReplicas,
    /// memcached, which cannot find the sessions of a user.
    #[cfg(feature = "memcached")]
    Memcached,
    /// etcd, one server.
    #[cfg(feature = "etcd")]
    Etcd,
    /// DynamoDB, as an emulator has it.
    #[cfg(feature = "dynamodb")]
    Dynamodb,
}

/// An open store, and the folder that it is in.
#[derive(Debug)]
pub struct Opened {
    /// What it is.
    pub kind: Kind,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Removed when the test is over.
    pub folder: TempDir,
    /// What the test uses on a server, removed when it is over.
    #[cfg(feature = "sql")]
    #[expect(dead_code, reason = "it is dropped with this")]
    used: Option<Tables>,
}

impl Kind {
    /// How long a commit may meet others. An emulator that carries out one request at a time needs longer than a server.
    pub(crate) const fn commit_timeout(self) -> Duration {
        match self {
            #[cfg(feature = "dynamodb")]
            Self::Dynamodb => Duration::from_secs(60),
            _ => Duration::from_secs(5),
        }
    }

    /// Returns whether the sessions are those of an Express application.
    pub(crate) fn is_express(self) -> bool {
        match self {
            Self::ExpressSqlite => true,
            #[cfg(feature = "redis")]
            Self::ExpressRedis => true,
            _ => false,
        }
    }

    /// Returns whether the clock of a test decides what expires.
    pub(crate) fn goes_by_our_clock(self) -> bool {
        match self {
            #[cfg(feature = "redis")]
            Self::ExpressRedis => false,
            _ => true,
        }
    }

    /// Returns the configuration that races begin with: that of the package whose format the sessions have.
    pub(crate) fn config(self) -> Config {
        if self.is_express() { express().config().absolute_timeout(ABSOLUTE) } else { Config::plain_http() }
    }

    /// Opens an empty store that goes by the clocks of this machine and of its server; `None` if its server tells no time.
    #[cfg(any(feature = "mongodb", feature = "redis", feature = "sql"))]
    pub async fn open_on_server_clock(self) -> Option<Opened> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        #[cfg(feature = "sql")]
        let mut used = None;
        let store: Arc<dyn Store> = match self {
            #[cfg(feature = "sql")]
            Self::Postgres => {
                let builder = tables::in_postgres().await;
                used = Some(Tables::from(&builder));
                Arc::new(builder.build().await.expect("a PostgreSQL store opens"))
            }
            #[cfg(feature = "sql")]
            Self::Mariadb => {
                let builder = tables::in_mariadb().await;
                used = Some(Tables::from(&builder));
                Arc::new(builder.build().await.expect("a MariaDB store opens"))
            }
            #[cfg(feature = "redis")]
            Self::Redis => Arc::new(open_redis(redis(cloakroom_services::Service::Redis)).await),
            #[cfg(feature = "redis")]
            Self::RedisSentinel => {
                Arc::new(open_redis(redis(cloakroom_services::Service::RedisSentinel)).await)
            }
            #[cfg(feature = "redis")]
            Self::Valkey => Arc::new(open_redis(redis(cloakroom_services::Service::Valkey)).await),
            #[cfg(feature = "mongodb")]
            Self::Mongodb => Arc::new(open_mongodb(mongodb(cloakroom_services::Service::Mongodb)).await),
            #[cfg(feature = "mongodb")]
            Self::MongodbReplicas => {
                Arc::new(open_mongodb(mongodb(cloakroom_services::Service::MongodbReplicas)).await)
            }
            _ => return None,
        };
        Some(Opened {
            kind: self,
            store,
            folder,
            #[cfg(feature = "sql")]
            used,
        })
    }

    /// Opens an empty store that goes by `clock`.
    ///
    /// What it writes survives the death of the process: races need no more, and a disk's own time would be most of theirs.
    pub async fn open(self, clock: &ManualClock) -> Opened {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let shared = Arc::new(clock.clone());
        #[cfg(feature = "sql")]
        let mut used = None;
        let store: Arc<dyn Store> = match self {
            Self::Reference => Arc::new(Reference::new(clock.clone())),
            Self::Encrypted => Arc::new(encrypted(MemoryStore::builder().clock(clock.clone()).build())),
            Self::Memory | Self::Actix => Arc::new(MemoryStore::builder().clock(clock.clone()).build()),
            Self::File => {
                let builder = FileStore::builder(folder.path().join("records")).clock(shared);
                let builder = builder.durability(cloakroom::stores::Durability::Process);
                Arc::new(builder.build().await.expect("a file store opens"))
            }
            Self::Redb => {
                let builder = RedbStore::builder(folder.path().join("records.redb")).clock(shared);
                let builder = builder.durability(cloakroom_redb::Durability::Process);
                Arc::new(builder.build().await.expect("a redb store opens"))
            }
            Self::Sqlite => Arc::new(sqlite(&folder, shared).await),
            Self::ExpressSqlite => Arc::new(express().store(sqlite_bodies(&folder, shared).await)),
            #[cfg(feature = "redis")]
            Self::ExpressRedis => {
                let builder = redis(cloakroom_services::Service::Redis).clock(shared);
                Arc::new(express().store(builder.build_bodies().await.expect("a Redis store opens")))
            }
            #[cfg(feature = "sql")]
            Self::Postgres => {
                let builder = tables::in_postgres().await;
                used = Some(Tables::from(&builder));
                Arc::new(builder.clock(shared).build().await.expect("a PostgreSQL store opens"))
            }
            #[cfg(feature = "sql")]
            Self::Mariadb => {
                let builder = tables::in_mariadb().await;
                used = Some(Tables::from(&builder));
                Arc::new(builder.clock(shared).build().await.expect("a MariaDB store opens"))
            }
            Self::Tiered => {
                let fast = Arc::new(MemoryStore::builder().clock(clock.clone()).build());
                let durable = Arc::new(sqlite(&folder, shared.clone()).await);
                let builder = CachedStore::builder(fast, durable).clock(shared);
                Arc::new(builder.max_staleness(Duration::from_secs(3_600)).build())
            }
            #[cfg(feature = "redis")]
            Self::Redis => {
                Arc::new(open_redis(redis(cloakroom_services::Service::Redis).clock(shared)).await)
            }
            #[cfg(feature = "redis")]
            Self::RedisCluster => {
                Arc::new(open_redis(redis(cloakroom_services::Service::RedisCluster).clock(shared)).await)
            }
            #[cfg(feature = "redis")]
            Self::RedisSentinel => {
                Arc::new(open_redis(redis(cloakroom_services::Service::RedisSentinel).clock(shared)).await)
            }
            #[cfg(feature = "redis")]
            Self::Valkey => {
                Arc::new(open_redis(redis(cloakroom_services::Service::Valkey).clock(shared)).await)
            }
            #[cfg(feature = "mongodb")]
            Self::Mongodb => {
                Arc::new(open_mongodb(mongodb(cloakroom_services::Service::Mongodb).clock(shared)).await)
            }
            #[cfg(feature = "mongodb")]
            Self::MongodbReplicas => Arc::new(
                open_mongodb(mongodb(cloakroom_services::Service::MongodbReplicas).clock(shared)).await,
            ),
            #[cfg(feature = "memcached")]
            Self::Memcached => {
                let url = cloakroom_services::Service::Memcached.shared();
                let builder = cloakroom_memcached::MemcachedStore::from_url(&url)
                    .expect("the services' URLs are right")
                    .prefix(format!("{}:", name()));
                Arc::new(builder.clock(shared).build().await.expect("a memcached store opens"))
            }
            #[cfg(feature = "etcd")]
            Self::Etcd => {
                let url = cloakroom_services::Service::Etcd.shared();
                let builder = cloakroom_etcd::EtcdStore::from_url(&url)
                    .expect("the services' URLs are right")
                    .prefix(format!("{}/", name()));
                Arc::new(builder.clock(shared).build().await.expect("an etcd store opens"))
            }
            #[cfg(feature = "dynamodb")]
            Self::Dynamodb => Arc::new(dynamodb(shared).await),
        };
        Opened {
            kind: self,
            store,
            folder,
            #[cfg(feature = "sql")]
            used,
        }
    }
}

/// Express, with the idle time of our own format.
fn express() -> Express {
    let express = Express::new(["keyboard cat"]).expect("the secret is one");
    express.ttl(IDLE)
}

async fn sqlite_bodies(folder: &TempDir, clock: Arc<ManualClock>) -> SqliteBodies {
    let path = folder.path().join("sessions");
    let node = Connection::open(&path).expect("a database can be made");
    let table = "CREATE TABLE sessions (sid PRIMARY KEY, expired, sess)";
    node.execute_batch(table).expect("a table can be made");
    let builder = SqliteStore::builder(path).clock(clock).busy_timeout(Duration::from_secs(30));
    builder.build_bodies().await.expect("the table is that of connect-sqlite3")
}

fn encrypted(inner: MemoryStore) -> EncryptedStore<MemoryStore> {
    let keys = SealingKeys::new(["the quick brown fox jumps over the lazy dog"]).expect("the secret is one");
    let builder =
        EncryptedStore::builder(inner, keys).hide_owners("pack my box with five dozen liquor jugs, now");
    builder.expect("the secret is one").build()
}

async fn sqlite(folder: &TempDir, clock: Arc<ManualClock>) -> SqliteStore {
    let builder = SqliteStore::builder(folder.path().join("records.sqlite")).clock(clock);
    let builder = builder.durability(cloakroom_sqlite::Durability::Process);
    builder.build().await.expect("a SQLite store opens")
}

#[cfg(feature = "redis")]
fn redis(service: cloakroom_services::Service) -> cloakroom_redis::Builder {
    let builder = cloakroom_redis::RedisStore::from_url(&service.shared());
    builder.expect("the services' URLs are right").prefix(format!("{}:", name()))
}

#[cfg(feature = "redis")]
async fn open_redis(builder: cloakroom_redis::Builder) -> cloakroom_redis::RedisStore {
    builder.build().await.expect("a Redis store opens")
}

#[cfg(feature = "mongodb")]
fn mongodb(service: cloakroom_services::Service) -> cloakroom_mongodb::Builder {
    cloakroom_mongodb::MongoStore::from_url(&service.shared())
        .expect("the services' URLs are right")
        .collection(name())
}

#[cfg(feature = "mongodb")]
async fn open_mongodb(builder: cloakroom_mongodb::Builder) -> cloakroom_mongodb::MongoStore {
    builder.build().await.expect("a MongoDB store opens")
}

#[cfg(feature = "dynamodb")]
async fn dynamodb(clock: Arc<ManualClock>) -> cloakroom_dynamodb::DynamoStore {
    let url = cloakroom_services::Service::Dynamodb.shared();
    let builder =
        cloakroom_dynamodb::DynamoStore::from_url(&format!("{url}/{}", name())).expect("the URL is one");
    builder.create_tables().await.expect("the emulator makes tables");
    builder.clock(clock).build().await.expect("a DynamoDB store opens")
}

/// A name on a shared server that no other test has.
#[cfg(any(
    feature = "dynamodb",
    feature = "etcd",
    feature = "memcached",
    feature = "mongodb",
    feature = "redis"
))]
fn name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("races_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
