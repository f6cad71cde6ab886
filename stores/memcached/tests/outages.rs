//! What the store does when its server goes away, hangs, comes back empty, or its answer is lost.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, Instant};

use cloakroom::{Config, PlainRequest, SessionManager};
use cloakroom_memcached::MemcachedStore;
use cloakroom_services::proxy::{Fault, Proxy};
use cloakroom_services::{Instance, Service};
use cloakroom_store::{CreateOutcome, ErrorKind, Record, Store, StoreKey, Timestamp, UpdateOutcome, Version};

const TIMEOUT: Duration = Duration::from_secs(2);

async fn open(url: &str) -> MemcachedStore {
    MemcachedStore::from_url(url).unwrap().request_timeout(TIMEOUT).build().await.unwrap()
}

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn record(payload: &'static str) -> Record {
    Record::new(payload, Timestamp::now() + Duration::from_secs(3600))
}

async fn create(store: &MemcachedStore, key: &StoreKey, record: &Record) -> Version {
    match store.create(key, record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

/// Asks until the store has noticed that its connections were closed: that news comes while it waits for something.
async fn back(store: &MemcachedStore, key: &StoreKey) -> Option<Record> {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        match store.load(key, None).await {
            Ok(found) => return found.map(|stored| stored.record),
            Err(error) => assert!(error.is_uncertain() && Instant::now() < patience, "{error}"),
        }
    }
}

async fn assert_unavailable(store: &MemcachedStore) {
    let begin = Instant::now();
    assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(store.create(&key(2), &record("coat")).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(store.delete(&key(1)).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(begin.elapsed() < 3 * TIMEOUT + Duration::from_secs(4), "a wait has an end");
}

#[tokio::test]
async fn a_server_that_was_restarted_is_empty_and_takes_no_update_of_before() {
    let mut server = Instance::start(Service::Memcached).unwrap();
    let store = open(&server.url()).await;
    let version = create(&store, &key(1), &record("coat")).await;
    server.kill().unwrap();
    assert_unavailable(&store).await;
    server.restart().unwrap();
    assert_eq!(back(&store, &key(1)).await, None);
    assert!(matches!(store.update(&key(1), version, &record("hat")).await.unwrap(), UpdateOutcome::NotFound));
}

/// A new process of the server numbers its items from 1 again, so that another item has the number that was seen.
#[tokio::test]
async fn a_number_of_an_earlier_process_of_the_server_names_nothing() {
    let mut server = Instance::start(Service::Memcached).unwrap();
    let (store, other) = (open(&server.url()).await, open(&server.url()).await);
    let version = create(&store, &key(1), &record("coat")).await;
    server.restart().unwrap();
    assert_eq!(back(&other, &key(1)).await, None);
    let hat = record("hat");
    let second = create(&other, &key(1), &hat).await;
    assert_eq!(back(&store, &key(2)).await, None);
    let UpdateOutcome::Conflict(there) = store.update(&key(1), version, &record("scarf")).await.unwrap()
    else {
        panic!("the update of a record that is gone was taken")
    };
    assert_eq!((there.record, there.version), (hat, second));
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_no_longer_than_the_timeout() {
    let mut server = Instance::start(Service::Memcached).unwrap();
    let store = open(&server.url()).await;
    let coat = record("coat");
    create(&store, &key(1), &coat).await;
    server.pause().unwrap();
    assert_unavailable(&store).await;
    server.resume().unwrap();
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, coat);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_uncertain_and_there_once() {
    let server = Instance::start(Service::Memcached).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let store = open(proxy.url()).await;
    let coat = record("coat");
    proxy.set(Fault::LoseAnswer { to: b"coat".to_vec() });
    assert!(store.create(&key(1), &coat).await.unwrap_err().is_uncertain());
    assert_eq!(proxy.losses(), 1);
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, coat);
    assert_eq!(store.create(&key(1), &coat).await.unwrap(), CreateOutcome::AlreadyExists);
}

#[tokio::test]
async fn a_connection_that_was_cut_while_it_was_idle_is_not_used() {
    let server = Instance::start(Service::Memcached).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let store = open(proxy.url()).await;
    create(&store, &key(1), &record("coat")).await;
    assert_eq!(proxy.accepted(), 1, "one after the other uses one connection");
    proxy.cut();
    assert_eq!(back(&store, &key(1)).await.map(|record| record.payload), Some("coat".into()));
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn an_increment_whose_answer_or_request_is_lost_counts_once() {
    let server = Instance::start(Service::Memcached).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let engine =
        SessionManager::new(open(proxy.url()).await, Config::default().sweep_interval(None)).unwrap();
    let pending = engine.begin(&PlainRequest::default());
    pending.load().await.unwrap().insert("n", 0).unwrap();
    let cookie = pending.commit().await.unwrap().set_cookie.unwrap();
    let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap());
    let faults = [Fault::LoseAnswer { to: b"ms ".to_vec() }, Fault::LoseRequest { with: b"ms ".to_vec() }];
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
