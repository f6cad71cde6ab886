//! A master dies, or freezes, in the middle of writes: no acknowledged write is lost that a replica confirmed, and the
//! store finds the new master by itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cloakroom_redis::RedisStore;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    CreateOutcome, ErrorKind, Record, Store as _, StoreKey, Timestamp, UpdateOutcome, Version,
    VersionedRecord,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const SESSIONS: u8 = 24;
const LONGEST: Duration = Duration::from_secs(60);

fn record(number: u64) -> Record {
    Record::new(number.to_string(), Timestamp::NEVER)
}

async fn open(server: &Instance, options: &str) -> RedisStore {
    let builder = RedisStore::from_url(&format!("{}?{options}", server.url())).unwrap();
    let builder = builder.request_timeout(Duration::from_millis(700)).connect_timeout(Duration::from_secs(1));
    builder.build().await.unwrap()
}

/// Which number of each record was acknowledged last, and under which version.
type Acknowledged = HashMap<u8, (Version, u64)>;

/// Counts up the number in each record until it is stopped.
struct Writer {
    ended: Arc<AtomicBool>,
    acknowledged: watch::Receiver<Acknowledged>,
    task: JoinHandle<()>,
}

impl Writer {
    fn start(store: RedisStore) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let (tell, acknowledged) = watch::channel(Acknowledged::new());
        let task = tokio::spawn(write(store, Arc::clone(&ended), tell));
        Self { ended, acknowledged, task }
    }

    /// Waits until every record has a number that was acknowledged, and is not below this one.
    async fn until_all_are_from(&mut self, least: u64) {
        let all = |acknowledged: &Acknowledged| {
            acknowledged.len() == usize::from(SESSIONS)
                && acknowledged.values().all(|(_, number)| *number >= least)
        };
        let waited = tokio::time::timeout(LONGEST, self.acknowledged.wait_for(all)).await;
        waited.expect("writes are acknowledged").expect("the writer goes on");
    }

    /// The number that was acknowledged last of all.
    fn last(&self) -> u64 {
        self.acknowledged.borrow().values().map(|(_, number)| *number).max().unwrap_or_default()
    }

    async fn end(self) -> Acknowledged {
        self.ended.store(true, Ordering::SeqCst);
        tokio::time::timeout(LONGEST, self.task).await.expect("a write does not hang").unwrap();
        self.acknowledged.borrow().clone()
    }
}

async fn write(store: RedisStore, ended: Arc<AtomicBool>, tell: watch::Sender<Acknowledged>) {
    let mut next = 0;
    while !ended.load(Ordering::SeqCst) {
        next += 1;
        tokio::time::sleep(Duration::from_millis(1)).await; // many errors are quick
        let number = u8::try_from(next % u64::from(SESSIONS)).unwrap();
        let key = StoreKey::from_hash([number; 32]);
        let before = tell.borrow().get(&number).copied();
        let written = match before {
            None => created(&store, &key, next).await,
            Some(before) => updated(&store, &key, before, next).await,
        };
        if let Some(version) = written {
            tell.send_modify(|acknowledged| {
                acknowledged.insert(number, (version, next));
            });
        }
    }
}

async fn created(store: &RedisStore, key: &StoreKey, number: u64) -> Option<Version> {
    match store.create(key, &record(number)).await {
        Ok(CreateOutcome::Created(version)) => Some(version),
        Ok(CreateOutcome::AlreadyExists) => overwritten(store, key, 0, number).await,
        Ok(CreateOutcome::Revoked) => panic!("nothing was revoked"),
        Err(error) => unavailable(&error),
    }
}

async fn updated(
    store: &RedisStore,
    key: &StoreKey,
    (version, acknowledged): (Version, u64),
    number: u64,
) -> Option<Version> {
    match store.update(key, version, &record(number)).await {
        Ok(UpdateOutcome::Updated(version)) => Some(version),
        Ok(UpdateOutcome::Conflict(_)) => overwritten(store, key, acknowledged, number).await,
        Ok(other) => panic!("an acknowledged record is lost: {other:?}"),
        Err(error) => unavailable(&error),
    }
}

/// A write without an acknowledgement was made after all, and none with one is lost: goes on from it.
async fn overwritten(store: &RedisStore, key: &StoreKey, acknowledged: u64, number: u64) -> Option<Version> {
    let stored = store.load(key, None).await.ok()?;
    assert!(stored.is_some() || acknowledged == 0, "an acknowledged record is there");
    let stored = stored?;
    assert_not_lost(acknowledged, &stored);
    match store.update(key, stored.version, &record(number)).await {
        Ok(UpdateOutcome::Updated(version)) => Some(version),
        Ok(other) => panic!("no other client writes: {other:?}"),
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

async fn none_is_lost(store: &RedisStore, acknowledged: Acknowledged) {
    for (number, (_, acknowledged)) in acknowledged {
        let key = StoreKey::from_hash([number; 32]);
        let stored = store.load(&key, None).await.unwrap().expect("an acknowledged record is there");
        assert_not_lost(acknowledged, &stored);
    }
}

fn assert_not_lost(acknowledged: u64, stored: &VersionedRecord) {
    let there: u64 = std::str::from_utf8(&stored.record.payload).unwrap().parse().unwrap();
    assert!(there >= acknowledged, "write {acknowledged} was acknowledged, and {there} is there");
}

/// Runs a writer, and `disturb` in the middle of its work; it has to find its way afterwards.
async fn survives(server: &mut Instance, disturb: impl AsyncFnOnce(&mut Instance, &RedisStore)) {
    let mut writer = Writer::start(open(server, "wait_for_replicas=1&replica_timeout=300ms").await);
    writer.until_all_are_from(1).await;
    let looker = open(server, "").await;
    disturb(server, &looker).await;
    until_all_can_be_written(&looker).await;
    let least = writer.last() + 1;
    writer.until_all_are_from(least).await;
    none_is_lost(&looker, writer.end().await).await;
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
