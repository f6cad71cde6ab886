//! The pairs under test, and two processes on one durable tier.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::stores::{CachedStore, Durability, FileStore, MemoryStore};
use cloakroom_conformance::{Capability, Limits};
use cloakroom_redb::RedbStore;
use cloakroom_services::Service;
use cloakroom_sqlite::SqliteStore;
use cloakroom_store::{
    Clock, CreateOutcome, ManualClock, Owner, OwnerKey, Record, Store, StoreKey, Timestamp, Touch, Version,
    VersionedRecord,
};
use tempfile::TempDir;

use crate::servers;
use crate::watched::Watched;

/// How old an answer may be in these tests.
pub(crate) const STALENESS: Duration = Duration::from_secs(10);
/// A microsecond less.
pub(crate) const ALMOST: Duration = Duration::from_micros(9_999_999);
pub(crate) const A_MICROSECOND: Duration = Duration::from_micros(1);
/// Rides on the loads of requests; this one is never due.
pub(crate) const TOUCH: Touch = Touch::new(Timestamp::EPOCH, Timestamp::EPOCH);

/// A kind of store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Memory,
    File,
    Redb,
    Sqlite,
    Dynamodb,
    Etcd,
    Memcached,
    Mariadb,
    Mongodb,
    MongodbReplicas,
    Postgres,
    Redis,
    RedisCluster,
    RedisSentinel,
    Valkey,
}

impl Kind {
    /// Opens an empty store.
    pub(crate) async fn open(self, folder: &TempDir, clock: &ManualClock) -> Arc<dyn Store> {
        self.open_in(&servers::unused(), folder, clock).await
    }

    /// Opens a store, in tables of this name if it keeps tables, which are made if they are missing.
    pub(crate) async fn open_in(self, tables: &str, folder: &TempDir, clock: &ManualClock) -> Arc<dyn Store> {
        let shared = Arc::new(clock.clone());
        match self {
            Self::Memory => Arc::new(MemoryStore::builder().clock(clock.clone()).build()),
            Self::File => {
                let builder = FileStore::builder(folder.path().join("records")).clock(shared);
                Arc::new(builder.durability(Durability::Process).build().await.unwrap())
            }
            Self::Redb => {
                let builder = RedbStore::builder(folder.path().join("records.redb")).clock(shared);
                Arc::new(builder.durability(cloakroom_redb::Durability::Process).build().await.unwrap())
            }
            Self::Sqlite => {
                let builder = SqliteStore::builder(folder.path().join("records.sqlite")).clock(shared);
                let builder = builder.durability(cloakroom_sqlite::Durability::Process);
                Arc::new(builder.build().await.unwrap())
            }
            Self::Dynamodb => servers::dynamodb(shared).await,
            Self::Etcd => servers::etcd(shared).await,
            Self::Memcached => servers::memcached(shared).await,
            Self::Mariadb => servers::mariadb(tables, shared).await,
            Self::Mongodb => servers::mongodb(Service::Mongodb, tables, shared).await,
            Self::MongodbReplicas => servers::mongodb(Service::MongodbReplicas, tables, shared).await,
            Self::Postgres => servers::postgres(tables, shared).await,
            Self::Redis => servers::redis(Service::Redis, shared).await,
            Self::RedisCluster => servers::redis(Service::RedisCluster, shared).await,
            Self::RedisSentinel => servers::redis(Service::RedisSentinel, shared).await,
            Self::Valkey => servers::redis(Service::Valkey, shared).await,
        }
    }

    /// Leaves tables as they were made.
    pub(crate) async fn empty(self, tables: &str) {
        match self {
            Self::Mariadb => servers::empty_mariadb(tables).await,
            Self::Mongodb => servers::empty_mongodb(Service::Mongodb, tables).await,
            Self::MongodbReplicas => servers::empty_mongodb(Service::MongodbReplicas, tables).await,
            Self::Postgres => servers::empty_postgres(tables).await,
            // A store of these opens where nothing is, or in a folder.
            _ => {}
        }
    }

    /// What a store of this kind can do, when it is the durable one.
    pub(crate) fn capabilities(self) -> &'static [Capability] {
        match self {
            Self::Memcached => &[],
            Self::Memory | Self::File | Self::Redb | Self::Sqlite | Self::Mariadb | Self::Postgres => {
                &Capability::ALL
            }
            _ => &[Capability::Scan, Capability::Owners],
        }
    }

    /// What the suite may expect of a store of this kind.
    pub(crate) fn limits(self) -> Limits {
        let limits = Limits::default().promise(self.capabilities());
        match self {
            Self::Dynamodb | Self::Etcd | Self::Memcached => limits.max_payload_bytes(servers::LARGEST),
            _ => limits,
        }
    }
}

/// A fast and a durable kind, and whether the processes share the fast tier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) fast: Kind,
    pub(crate) durable: Kind,
    pub(crate) shared: bool,
}

/// Two processes on one durable tier.
pub(crate) struct Processes {
    pub(crate) clock: ManualClock,
    pub(crate) pair: Pair,
    pub(crate) one: Process,
    pub(crate) two: Process,
    pub(crate) durable: Arc<dyn Store>,
    _folders: [TempDir; 3],
}

/// A process: its tiered store, and the tiers as it sees them.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) store: Arc<CachedStore>,
    pub(crate) fast: Arc<Watched>,
    pub(crate) durable: Arc<Watched>,
}

impl Process {
    fn new(fast: Arc<dyn Store>, durable: Arc<dyn Store>, clock: &ManualClock) -> Self {
        let (fast, durable) = (Watched::new(fast), Watched::new(durable));
        let builder = CachedStore::builder(fast.clone(), durable.clone()).max_staleness(STALENESS);
        Self { store: Arc::new(builder.clock(clock.clone()).build()), fast, durable }
    }

    /// Loads as a request does.
    pub(crate) async fn load(&self) -> Option<VersionedRecord> {
        self.store.load(&key(), Some(TOUCH)).await.unwrap()
    }

    /// Loads, and says whether the durable tier was left alone.
    pub(crate) async fn load_and_see(&self) -> (Option<VersionedRecord>, bool) {
        let before = self.durable.loads();
        let found = self.load().await;
        (found, before == self.durable.loads())
    }
}

impl Processes {
    pub(crate) async fn start(pair: Pair) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let durable = pair.durable.open(&folders[0], &clock).await;
        let fast = pair.fast.open(&folders[1], &clock).await;
        let other = if pair.shared { fast.clone() } else { pair.fast.open(&folders[2], &clock).await };
        let one = Process::new(fast, durable.clone(), &clock);
        let two = Process::new(other, durable.clone(), &clock);
        Self { clock, pair, one, two, durable, _folders: folders }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The record that the tests are about, of a user.
    pub(crate) fn record(&self) -> Record {
        let owner = Owner::new(owner(), self.now());
        Record::new("coat", self.now() + 100 * STALENESS).with_owner(owner)
    }

    /// Makes the record, past both fast tiers.
    pub(crate) async fn create(&self) -> Version {
        match self.durable.create(&key(), &self.record()).await.unwrap() {
            CreateOutcome::Created(version) => version,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn key() -> StoreKey {
    StoreKey::from_hash([7; 32])
}

pub(crate) fn owner() -> OwnerKey {
    OwnerKey::new("alice").unwrap()
}

/// Makes a test of each function for each pair.
macro_rules! on_every_pair {
    ($($test:ident),* $(,)?) => {
        crate::pairs::on_every_pair!(@on memory_before_memory Memory Memory false [$($test)*]);
        crate::pairs::on_every_pair!(@on memory_before_file Memory File false [$($test)*]);
        crate::pairs::on_every_pair!(@on memory_before_sqlite Memory Sqlite false [$($test)*]);
        crate::pairs::on_every_pair!(@on memory_before_redb Memory Redb false [$($test)*]);
        crate::pairs::on_every_pair!(@on shared_memory_before_memory Memory Memory true [$($test)*]);
        crate::pairs::on_every_pair!(@on shared_memory_before_sqlite Memory Sqlite true [$($test)*]);
        crate::pairs::on_every_pair!(@on shared_sqlite_before_file Sqlite File true [$($test)*]);
    };
    (@on $name:ident $fast:ident $durable:ident $shared:literal [$($test:ident)*]) => {
        mod $name {
            use crate::pairs::{Kind, Pair, Processes};
            $(
                #[tokio::test]
                async fn $test() {
                    let pair = Pair { fast: Kind::$fast, durable: Kind::$durable, shared: $shared };
                    // One type for all tests, or each would have the runtime compiled again.
                    let test: std::pin::Pin<Box<dyn Future<Output = ()>>> =
                        Box::pin(async move { super::$test(Processes::start(pair).await).await });
                    test.await;
                }
            )*
        }
    };
}
pub(crate) use on_every_pair;

/// The same for pairs of servers, and for memory in front of each.
macro_rules! on_every_pair_of_servers {
    ($($test:ident),* $(,)?) => {
        crate::pairs::on_every_pair!(@on redis_before_postgres Redis Postgres true [$($test)*]);
        crate::pairs::on_every_pair!(@on memcached_before_postgres Memcached Postgres true [$($test)*]);
        crate::pairs::on_every_pair!(@on memcached_before_mariadb Memcached Mariadb true [$($test)*]);
        crate::pairs::on_every_pair!(@on redis_before_mongodb Redis Mongodb true [$($test)*]);
        crate::pairs::on_every_pair!(@on memory_before_redis Memory Redis false [$($test)*]);
        crate::pairs::on_every_pair!(@on memory_before_postgres Memory Postgres false [$($test)*]);
        crate::pairs::on_every_pair!(@on memory_before_mariadb Memory Mariadb false [$($test)*]);
        crate::pairs::on_every_pair!(@on memory_before_mongodb Memory Mongodb false [$($test)*]);
    };
}
pub(crate) use on_every_pair_of_servers;

/// Makes a test of each function for each pair of both sorts.
macro_rules! on_servers_too {
    ($($test:ident),* $(,)?) => {
        crate::pairs::on_every_pair![$($test),*];
        crate::pairs::on_every_pair_of_servers![$($test),*];
    };
}
pub(crate) use on_servers_too;
