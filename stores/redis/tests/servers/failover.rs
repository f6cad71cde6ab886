//! A master dies, or freezes, in the middle of writes: no acknowledged write is lost that a replica confirmed, and the
//! store finds the new master by itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cloakroom_redis::RedisStore;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{Created, ErrorKind, Record, Store as _, StoreKey, Timestamp, Updated, Version};
use tokio::task::JoinHandle;

const SESSIONS: u8 = 24;
const LONGEST: Duration = Duration::from_secs(60);

fn record(number: u64) -> Record {
    Record::new(number.to_string(), Timestamp::NEVER)
}

async fn open(server: &Instance, options: &str) -> RedisStore {
    let builder = RedisStore::builder(&format!("{}?{options}", server.url())).unwrap();
    let builder =
        builder.response_timeout(Duration::from_millis(700)).connect_timeout(Duration::from_secs(1));
    builder.open().await.unwrap()
}

/// Counts up the number in each record until it is told to end; says which number of each was acknowledged last.
fn write(store: RedisStore, ended: &Arc<AtomicBool>) -> JoinHandle<HashMap<u8, u64>> {
    let ended = Arc::clone(ended);
    tokio::spawn(async move {
        let mut acknowledged: HashMap<u8, (Version, u64)> = HashMap::new();
        let mut next = 0;
        while !ended.load(Ordering::SeqCst) {
            next += 1;
            tokio::time::sleep(Duration::from_millis(1)).await; // many errors are quick
            let number = u8::try_from(next % u64::from(SESSIONS)).unwrap();
            let key = StoreKey::from_hash([number; 32]);
            let written = match acknowledged.get(&number) {
                None => created(&store, &key, next).await,
                Some((version, _)) => updated(&store, &key, *version, next).await,
            };
            if let Some(version) = written {
                acknowledged.insert(number, (version, next));
            }
        }
        acknowledged.into_iter().map(|(session, (_, number))| (session, number)).collect()
    })
}

async fn created(store: &RedisStore, key: &StoreKey, number: u64) -> Option<Version> {
    match store.create(key, &record(number)).await {
        Ok(Created::Created(version)) => Some(version),
        Ok(Created::Taken) => overwritten(store, key, number).await,
        Ok(Created::Revoked) => panic!("nobody revoked"),
        Err(error) => unavailable(&error),
    }
}

async fn updated(store: &RedisStore, key: &StoreKey, version: Version, number: u64) -> Option<Version> {
    match store.update(key, version, &record(number)).await {
        Ok(Updated::Updated(version)) => Some(version),
        Ok(Updated::Conflict(_)) => overwritten(store, key, number).await,
        Ok(other) => panic!("an acknowledged record is lost: {other:?}"),
        Err(error) => unavailable(&error),
    }
}

/// A write that nobody acknowledged was made after all: goes on from it.
async fn overwritten(store: &RedisStore, key: &StoreKey, number: u64) -> Option<Version> {
    let stored = store.load(key, None).await.ok()??;
    match store.update(key, stored.version, &record(number)).await {
        Ok(Updated::Updated(version)) => Some(version),
        Ok(other) => panic!("nobody else writes: {other:?}"),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &cloakroom_store::Error) -> Option<Version> {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    None
}

/// Waits until every record can be written again.
async fn until_all_can_be_written(store: &RedisStore) {
    let began = Instant::now();
    for number in 100..100 + SESSIONS {
        let key = StoreKey::from_hash([number; 32]);
        loop {
            match store.create(&key, &record(0)).await {
                Ok(_) => break,
                Err(error) => unavailable(&error),
            };
            assert!(began.elapsed() < LONGEST, "an error for ever");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn none_is_lost(store: &RedisStore, acknowledged: HashMap<u8, u64>) {
    assert_eq!(acknowledged.len(), usize::from(SESSIONS), "there was not enough time before the failover");
    for (number, acknowledged) in acknowledged {
        let key = StoreKey::from_hash([number; 32]);
        let stored = store.load(&key, None).await.unwrap().expect("an acknowledged record is there");
        let there: u64 = std::str::from_utf8(&stored.record.payload).unwrap().parse().unwrap();
        assert!(there >= acknowledged, "write {acknowledged} was acknowledged, and {there} is there");
    }
}

/// Runs writers, and `disturb` in the middle of them.
async fn survives(server: &mut Instance, disturb: impl AsyncFnOnce(&mut Instance, &RedisStore)) {
    let (store, ended) = (open(server, "wait=1&wait_timeout=300ms").await, Arc::default());
    let writer = write(store, &ended);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let looker = open(server, "").await;
    disturb(server, &looker).await;
    until_all_can_be_written(&looker).await;
    ended.store(true, Ordering::SeqCst);
    let acknowledged = tokio::time::timeout(LONGEST, writer).await.expect("a write does not hang").unwrap();
    none_is_lost(&looker, acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_sentinels_a_master_that_is_killed_takes_no_confirmed_write_with_it() {
    let mut server = Instance::start(Service::RedisSentinel).unwrap();
    survives(&mut server, async |server, _| server.servers()[0].kill().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_a_master_that_is_killed_takes_no_confirmed_write_with_it() {
    let mut server = Instance::start(Service::RedisCluster).unwrap();
    survives(&mut server, async |server, store| {
        server.servers()[0].kill().unwrap();
        // Its slots have another master then, which has a replica again when it is back.
        until_all_can_be_written(store).await;
        server.servers()[0].restart().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_the_slots_of_a_master_that_is_frozen_are_found_at_its_replica() {
    let mut server = Instance::start(Service::RedisCluster).unwrap();
    let store = open(&server, "").await;
    until_all_can_be_written(&store).await;
    server.servers()[1].pause().unwrap();
    let began = Instant::now();
    for number in 0..SESSIONS {
        let key = StoreKey::from_hash([number; 32]);
        while store.create(&key, &record(1)).await.map_err(|error| unavailable(&error)).is_err() {
            assert!(began.elapsed() < LONGEST, "an error for ever");
        }
    }
    server.servers()[1].resume().unwrap();
}
