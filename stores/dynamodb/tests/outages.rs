//! What the store does when its server goes away, hangs, comes back, or its answer is lost.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::time::{Duration, Instant};

use cloakroom::{Config, PlainRequest, SessionManager};
use cloakroom_dynamodb::DynamoStore;
use cloakroom_services::proxy::{Fault, Proxy};
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    CreateOutcome, ErrorKind, Record, Scan, Store, StoreKey, Timestamp, UpdateOutcome, Version,
};

/// How long the store waits for an answer, see `connect.rs`.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the requests that write are named by, in their heads.
const CREATES: &[u8] = b"DynamoDB_20120810.PutItem";
const UPDATES: &[u8] = b"DynamoDB_20120810.UpdateItem";

/// Opens a store on a table there, which is made if it is missing.
async fn open(url: &str) -> DynamoStore {
    let builder = DynamoStore::from_url(&format!("{url}/coats")).unwrap();
    builder.create_tables().await.unwrap();
    builder.build().await.unwrap()
}

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn record(payload: &'static str) -> Record {
    Record::new(payload, Timestamp::now() + Duration::from_hours(1))
}

async fn create(store: &DynamoStore, key: &StoreKey, record: &Record) -> Version {
    match store.create(key, record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

async fn back(store: &DynamoStore, key: &StoreKey) -> Option<Record> {
    store.load(key, None).await.unwrap().map(|stored| stored.record)
}

async fn assert_unavailable(store: &DynamoStore) {
    let begin = Instant::now();
    let (loaded, created, deleted) = tokio::join!(
        async { store.load(&key(1), None).await },
        async { store.create(&key(2), &record("coat")).await },
        async { store.delete(&key(1)).await },
    );
    assert_eq!(loaded.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(created.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(deleted.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(begin.elapsed() < 2 * TIMEOUT, "a wait has an end");
}

/// The emulator keeps nothing, so that its table is gone: which is not the same as a missing record.
#[tokio::test]
async fn a_killed_server_is_found_again_and_a_dropped_table_is_not_a_missing_record() {
    let mut server = Instance::start(Service::Dynamodb).unwrap();
    let store = open(&server.url()).await;
    let version = create(&store, &key(1), &record("coat")).await;
    server.kill().unwrap();
    assert_unavailable(&store).await;
    server.restart_empty().unwrap();
    assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Setup);
    assert_eq!(store.create(&key(1), &record("coat")).await.unwrap_err().kind(), ErrorKind::Setup);
    open(&server.url()).await;
    assert_eq!(back(&store, &key(1)).await, None);
    assert!(matches!(store.update(&key(1), version, &record("hat")).await.unwrap(), UpdateOutcome::NotFound));
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_no_longer_than_the_timeout() {
    let mut server = Instance::start(Service::Dynamodb).unwrap();
    let store = open(&server.url()).await;
    let coat = record("coat");
    create(&store, &key(1), &coat).await;
    server.pause().unwrap();
    assert_unavailable(&store).await;
    server.resume().unwrap();
    // The delete that was given up may have arrived.
    let found = back(&store, &key(1)).await;
    assert!(found.is_none() || found == Some(coat));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_uncertain_and_there_once() {
    let proxy = Proxy::to(&Service::Dynamodb.shared()).unwrap();
    let store =
        place::open(&place::url_at(proxy.url()), &cloakroom_store::ManualClock::at(Timestamp::now())).await;
    let coat = record("coat");
    proxy.set(Fault::LoseAnswer { to: CREATES.to_vec() });
    assert!(store.create(&key(1), &coat).await.unwrap_err().is_uncertain());
    assert_eq!(proxy.losses(), 1);
    assert_eq!(back(&store, &key(1)).await, Some(coat.clone()));
    assert_eq!(store.create(&key(1), &coat).await.unwrap(), CreateOutcome::AlreadyExists);
    assert_eq!(store.count().await.unwrap(), 1);
}

#[tokio::test]
async fn an_increment_whose_answer_or_request_is_lost_counts_once() {
    let proxy = Proxy::to(&Service::Dynamodb.shared()).unwrap();
    let builder = DynamoStore::from_url(&place::url_at(proxy.url())).unwrap();
    builder.create_tables().await.unwrap();
    let store = builder.build().await.unwrap();
    let engine = SessionManager::new(store, Config::default().sweep_interval(None)).unwrap();
    let pending = engine.begin(&PlainRequest::default());
    pending.load().await.unwrap().insert("n", 0).unwrap();
    let cookie = pending.commit().await.unwrap().set_cookie.unwrap();
    let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap());
    let faults = [Fault::LoseAnswer { to: UPDATES.to_vec() }, Fault::LoseRequest { with: UPDATES.to_vec() }];
    for (round, fault) in faults.into_iter().enumerate() {
        let pending = engine.begin(&cookie);
        pending.load().await.unwrap().increment("n", 1).unwrap();
        proxy.set(fault);
        let _outcome = pending.commit().await.unwrap();
        assert_eq!(proxy.losses(), round + 1);
        let session = engine.begin(&cookie).load().await.unwrap();
        assert_eq!(session.get::<usize>("n").unwrap(), Some(round + 1));
    }
}
