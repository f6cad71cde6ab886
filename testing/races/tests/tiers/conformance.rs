//! The tiered store keeps the contract, every sentence of it.
//!
//! The plain loads of the suite ask the durable tier. So each pair is also tested with loads as requests make them, which
//! the fast tier answers: in one process, and in two that share a fast tier, nothing is weaker. Between processes that
//! share none, the sentences that a load answers are true of less than `max_staleness` ago; `bound.rs` tests that.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::stores::{CachedStore, FileStore, MemoryStore};
use cloakroom_conformance::{Capability, Limits, ManualHarness, cases, suite};
use cloakroom_store::{
    Capabilities, CreateOutcome, ManualClock, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};

use crate::pairs::{Kind, TOUCH};
use crate::servers;

const A_DAY: Duration = Duration::from_secs(86_400);

/// Loads as requests do. Shows whether it sweeps where the durable tier does: otherwise it is copies that are swept.
#[derive(Debug)]
struct AsRequests(CachedStore, bool);

#[async_trait]
impl Store for AsRequests {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.0.load(key, touch.or(Some(TOUCH))).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.0.create(key, record).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.0.update(key, expected, record).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.0.touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.0.delete(key).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        let mut capabilities = self.0.capabilities();
        capabilities.sweep = capabilities.sweep.filter(|_| self.1);
        capabilities
    }
}

/// Whether two processes share the fast tier, and how old its answers may be.
async fn harness(fast: Kind, durable: Kind, shared: bool, max_staleness: Duration) -> ManualHarness {
    harness_in(&servers::unused(), fast, durable, shared, max_staleness).await
}

/// The same, in tables of this name, if the durable tier has tables.
async fn harness_in(
    tables: &str,
    fast: Kind,
    durable: Kind,
    shared: bool,
    max_staleness: Duration,
) -> ManualHarness {
    let (limits, sweeps) = (durable.limits(), durable.capabilities().contains(&Capability::Sweep));
    let clock = ManualClock::at(Timestamp::now());
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let durable = durable.open_in(tables, &folders[0], &clock).await;
    let one = fast.open(&folders[1], &clock).await;
    let other = if shared { one.clone() } else { fast.open(&folders[2], &clock).await };
    let gone = folders[0].path().join("gone");
    let lost = FileStore::builder(&gone).build().await.unwrap();
    std::fs::remove_dir_all(gone).unwrap();
    // A fast tier that is given up, because the machine is busy, may keep a copy that the other handle reads.
    let patience = Duration::from_secs(60);
    let tiered = |fast: Arc<dyn Store>, durable: Arc<dyn Store>| {
        let builder =
            CachedStore::builder(fast, durable).max_staleness(max_staleness).cache_timeout(patience);
        AsRequests(builder.clock(clock.clone()).build(), sweeps)
    };
    let (store, handle) = (tiered(one, durable.clone()), tiered(other, durable));
    let unreachable = tiered(Arc::new(MemoryStore::new()), Arc::new(lost));
    ManualHarness::with_clock(clock.clone(), store)
        .and_handle(handle)
        .and_unreachable(unreachable)
        .with_limits(limits)
        .keeping(folders)
}

mod memory_before_sqlite_always_asking {
    use super::*;
    suite!(harness(Kind::Memory, Kind::Sqlite, false, Duration::ZERO).await);
}

mod memory_before_file_always_asking {
    use super::*;
    suite!(harness(Kind::Memory, Kind::File, false, Duration::ZERO).await);
}

mod memory_before_memory_in_two_processes {
    use super::*;
    suite!(harness(Kind::Memory, Kind::Memory, true, A_DAY).await);
}

mod memory_before_sqlite_in_two_processes {
    use super::*;
    suite!(harness(Kind::Memory, Kind::Sqlite, true, A_DAY).await);
}

mod memory_before_file_in_two_processes {
    use super::*;
    suite!(harness(Kind::Memory, Kind::File, true, A_DAY).await);
}

mod memory_before_redb_in_two_processes {
    use super::*;
    suite!(harness(Kind::Memory, Kind::Redb, true, A_DAY).await);
}

/// Alone, and with a largest payload that the durable tier knows and the fast one does not.
mod sqlite_before_file_in_one_process {
    use super::*;
    async fn alone() -> ManualHarness {
        let clock = ManualClock::at(Timestamp::now());
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let fast = Kind::Sqlite.open(&folders[0], &clock).await;
        let durable = Kind::File.open(&folders[1], &clock).await;
        let builder = CachedStore::builder(fast, durable).max_staleness(A_DAY).clock(clock.clone());
        let limits =
            Limits::default().max_payload_bytes(FileStore::MAX_PAYLOAD_BYTES).promise(&Capability::ALL);
        ManualHarness::with_clock(clock, AsRequests(builder.build(), true))
            .with_limits(limits)
            .keeping(folders)
    }
    suite!(alone().await);
}

/// Every sentence on a pair with servers, in one test: tables take longer to make than most sentences to test.
async fn keeps_every_sentence(fast: Kind, durable: Kind, max_staleness: Duration) {
    let tables = servers::unused();
    let mut broken = Vec::new();
    for case in cases() {
        let harness = harness_in(&tables, fast, durable, true, max_staleness).await;
        if let Err(failure) = case.run(&harness).await {
            broken.push(format!("{}: {failure}", case.name()));
        }
        drop(harness);
        durable.empty(&tables).await;
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

macro_rules! pairs_of_servers {
    ($($(#[$attribute:meta])* $name:ident: $fast:ident, $durable:ident, $max_staleness:expr;)*) => {
        $(
            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                keeps_every_sentence(Kind::$fast, Kind::$durable, $max_staleness).await;
            }
        )*
    };
}

pairs_of_servers! {
    memory_before_memcached: Memory, Memcached, A_DAY;
    memory_before_redis: Memory, Redis, A_DAY;
    memory_before_valkey: Memory, Valkey, A_DAY;
    memory_before_redis_cluster: Memory, RedisCluster, A_DAY;
    memory_before_redis_sentinel: Memory, RedisSentinel, A_DAY;
    memory_before_postgres: Memory, Postgres, A_DAY;
    memory_before_mariadb: Memory, Mariadb, A_DAY;
    memory_before_mongodb: Memory, Mongodb, A_DAY;
    memory_before_mongodb_replicas: Memory, MongodbReplicas, A_DAY;
    memory_before_etcd: Memory, Etcd, A_DAY;
    memory_before_dynamodb: Memory, Dynamodb, A_DAY;
    redis_before_mongodb: Redis, Mongodb, A_DAY;
    redis_before_postgres: Redis, Postgres, A_DAY;
    // memcached cannot find the copies of a user, so that others know of a revocation when the bound has passed.
    memcached_before_postgres_always_asking: Memcached, Postgres, Duration::ZERO;
    memcached_before_mariadb_always_asking: Memcached, Mariadb, Duration::ZERO;
}
