//! What the store does when its server goes away, hangs, comes back, or its answer is lost.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, Instant};

use cloakroom::{Config, PlainRequest, SessionManager};
use cloakroom_etcd::EtcdStore;
use cloakroom_services::proxy::{Fault, Proxy};
use cloakroom_services::{Instance, Service};
use cloakroom_store::{CreateOutcome, ErrorKind, Record, Store, StoreKey, Timestamp, UpdateOutcome, Version};

const TIMEOUT: Duration = Duration::from_secs(2);

async fn open(url: &str) -> EtcdStore {
    EtcdStore::from_url(url).unwrap().request_timeout(TIMEOUT).build().await.unwrap()
}

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn record(payload: &'static str) -> Record {
    Record::new(payload, Timestamp::now() + Duration::from_secs(3600))
}

async fn create(store: &EtcdStore, key: &StoreKey, record: &Record) -> Version {
    match store.create(key, record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

async fn assert_unavailable(store: &EtcdStore) {
    let begin = Instant::now();
    assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(store.create(&key(2), &record("coat")).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(store.delete(&key(1)).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(begin.elapsed() < 3 * TIMEOUT + Duration::from_secs(4), "a wait has an end");
}

/// Asks until the server answers again.
async fn back(store: &EtcdStore, key: &StoreKey) -> Option<Record> {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        match store.load(key, None).await {
            Ok(found) => return found.map(|stored| stored.record),
            Err(error) => assert!(Instant::now() < patience, "the store did not reconnect: {error}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_was_killed_has_every_acknowledged_write_and_is_found_again() {
    let mut server = Instance::start(Service::Etcd).unwrap();
    let store = open(&server.url()).await;
    let coat = record("coat");
    let version = create(&store, &key(1), &coat).await;
    server.kill().unwrap();
    assert_unavailable(&store).await;
    server.restart().unwrap();
    assert_eq!(back(&store, &key(1)).await, Some(coat.clone()));
    assert!(matches!(
        store.update(&key(1), version, &record("hat")).await.unwrap(),
        UpdateOutcome::Updated(_)
    ));
}

/// A server that lost its data counts its revisions from 1 again, so that another record has the revision that was seen,
/// and knows none of the leases.
#[tokio::test]
async fn a_revision_of_an_earlier_life_of_the_server_names_nothing() {
    let mut server = Instance::start(Service::Etcd).unwrap();
    let store = open(&server.url()).await;
    let version = create(&store, &key(1), &record("coat")).await;
    server.restart_empty().unwrap();
    let other = open(&server.url()).await;
    let hat = record("hat");
    let second = create(&other, &key(1), &hat).await;
    assert_eq!(back(&store, &key(2)).await, None);
    let UpdateOutcome::Conflict(there) = store.update(&key(1), version, &record("scarf")).await.unwrap()
    else {
        panic!("the update of a record that is gone was taken")
    };
    assert_eq!((there.record, there.version), (hat, second));
    create(&store, &key(3), &record("shawl")).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_no_longer_than_the_timeout() {
    let mut server = Instance::start(Service::Etcd).unwrap();
    let store = open(&server.url()).await;
    let coat = record("coat");
    create(&store, &key(1), &coat).await;
    server.pause().unwrap();
    assert_unavailable(&store).await;
    server.resume().unwrap();
    assert_eq!(back(&store, &key(1)).await, Some(coat));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_uncertain_and_there_once() {
    let server = Instance::start(Service::Etcd).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let store = open(proxy.url()).await;
    let coat = record("coat");
    proxy.set(Fault::LoseAnswer { to: b"coat".to_vec() });
    assert!(store.create(&key(1), &coat).await.unwrap_err().is_uncertain());
    assert_eq!(proxy.losses(), 1);
    assert_eq!(back(&store, &key(1)).await, Some(coat.clone()));
    assert_eq!(store.create(&key(1), &coat).await.unwrap(), CreateOutcome::AlreadyExists);
}

#[tokio::test]
async fn a_connection_that_was_cut_while_it_was_idle_costs_a_load_nothing() {
    let server = Instance::start(Service::Etcd).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let store = open(proxy.url()).await;
    let coat = record("coat");
    create(&store, &key(1), &coat).await;
    for _ in 0..12 {
        proxy.cut();
        assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, coat);
    }
}

#[tokio::test]
async fn an_increment_whose_answer_or_request_is_lost_counts_once() {
    let server = Instance::start(Service::Etcd).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let engine =
        SessionManager::new(open(proxy.url()).await, Config::default().sweep_interval(None)).unwrap();
    let pending = engine.begin(&PlainRequest::default());
    pending.load().await.unwrap().insert("n", 0).unwrap();
    let cookie = pending.commit().await.unwrap().set_cookie.unwrap();
    let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap());
    let faults = [
        Fault::LoseAnswer { to: b"cloakroom/r".to_vec() },
        Fault::LoseRequest { with: b"cloakroom/r".to_vec() },
    ];
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
