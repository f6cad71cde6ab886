//! A server that is killed, restarted, emptied or frozen; connections that break; answers that are lost.

use std::time::{Duration, Instant};

use cloakroom_redis::RedisStore;
use cloakroom_services::proxy::{Fault, Proxy};
use cloakroom_services::{DURABLE_REDIS, Instance, Service};
use cloakroom_store::{
    CreateOutcome, Error, ErrorKind, ManualClock, Owner, OwnerKey, Owners, Record, Store, StoreKey,
    Timestamp, UpdateOutcome,
};

use crate::app::App;

const KEY: StoreKey = StoreKey::from_hash([7; 32]);

fn record(payload: &str) -> Record {
    Record::new(payload.to_owned(), Timestamp::now() + Duration::from_secs(1_800))
}

async fn open(url: &str) -> RedisStore {
    let builder = RedisStore::from_url(url).unwrap();
    builder.request_timeout(Duration::from_millis(300)).build().await.unwrap()
}

async fn payload(store: &RedisStore) -> Option<String> {
    let stored = store.load(&KEY, None).await.unwrap();
    stored.map(|stored| String::from_utf8(stored.record.payload.to_vec()).unwrap())
}

#[track_caller]
fn unavailable<T: std::fmt::Debug>(answer: Result<T, Error>) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_killed_and_restarted_has_every_acknowledged_write() {
    let mut server = Instance::start_with(Service::Redis, &DURABLE_REDIS).unwrap();
    let store = open(&server.url()).await;
    let CreateOutcome::Created(version) = store.create(&KEY, &record("coat")).await.unwrap() else {
        panic!()
    };
    server.kill().unwrap();
    unavailable(store.load(&KEY, None).await);
    unavailable(store.update(&KEY, version, &record("hat")).await);
    server.restart().unwrap();
    assert_eq!(payload(&store).await.as_deref(), Some("coat"));
    assert!(matches!(store.update(&KEY, version, &record("hat")).await.unwrap(), UpdateOutcome::Updated(_)));
}

#[tokio::test]
async fn a_server_that_is_stopped_and_started_again_is_found_again() {
    let mut server = Instance::start_with(Service::Redis, &DURABLE_REDIS).unwrap();
    let store = open(&format!("{}?protocol=resp3", server.url())).await;
    let _created = store.create(&KEY, &record("coat")).await.unwrap();
    server.stop().unwrap();
    unavailable(store.delete(&KEY).await);
    server.restart().unwrap();
    assert_eq!(store.delete(&KEY).await.unwrap().unwrap().record.payload, "coat");
}

#[tokio::test]
async fn a_server_that_lost_everything_knows_no_session_and_no_script_without_an_error() {
    let mut server = Instance::start(Service::Redis).unwrap();
    let store = open(&server.url()).await;
    let CreateOutcome::Created(version) = store.create(&KEY, &record("coat")).await.unwrap() else {
        panic!()
    };
    server.restart_empty().unwrap();
    assert_eq!(payload(&store).await, None);
    assert_eq!(store.update(&KEY, version, &record("hat")).await.unwrap(), UpdateOutcome::NotFound);
    assert!(!store.touch(&KEY, Timestamp::NEVER).await.unwrap());
    assert_eq!(store.delete(&KEY).await.unwrap(), None);
    assert!(matches!(store.create(&KEY, &record("coat")).await.unwrap(), CreateOutcome::Created(_)));
}

#[tokio::test]
async fn a_user_whose_session_was_lost_with_the_server_is_anonymous() {
    let mut server = Instance::start(Service::Redis).unwrap();
    let clock = ManualClock::at(Timestamp::now());
    let mut app = App::on(open(&server.url()).await, &clock);
    assert_eq!(app.get("/write").await.1, "1");
    server.restart_empty().unwrap();
    let (status, visits) = app.get("/read").await;
    assert_eq!((status.as_u16(), visits.as_str()), (200, "0"));
    assert_eq!(app.get("/write").await.1, "1");
}

#[tokio::test]
async fn a_frozen_server_is_unavailable_in_time_and_used_again_when_it_goes_on() {
    let mut server = Instance::start(Service::Redis).unwrap();
    let store = open(&server.url()).await;
    let _created = store.create(&KEY, &record("coat")).await.unwrap();
    server.pause().unwrap();
    let began = Instant::now();
    unavailable(store.load(&KEY, None).await);
    unavailable(store.list(&OwnerKey::new("alice").unwrap(), None, 10).await);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    server.resume().unwrap();
    assert_eq!(payload(&store).await.as_deref(), Some("coat"));
}

#[tokio::test]
async fn a_network_that_is_gone_for_a_while_is_unavailable_in_time_and_no_error_afterwards() {
    let server = Instance::start(Service::Redis).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let store = open(proxy.url()).await;
    let _created = store.create(&KEY, &record("coat")).await.unwrap();
    proxy.set(Fault::Stall);
    unavailable(store.load(&KEY, None).await);
    proxy.set(Fault::None);
    assert_eq!(payload(&store).await.as_deref(), Some("coat"));
}

/// The other end is gone and nothing says so: the connection must not be used until the system notices.
#[tokio::test]
async fn a_connection_that_is_half_open_is_replaced() {
    let server = Instance::start(Service::Redis).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    proxy.set(Fault::Silence);
    let builder = RedisStore::from_url(proxy.url()).unwrap();
    let builder = builder.request_timeout(Duration::from_millis(300));
    let store = builder.connect_timeout(Duration::from_millis(300)).build_lazy().unwrap();
    unavailable(store.load(&KEY, None).await);
    proxy.set(Fault::None);
    assert_eq!(payload(&store).await, None);
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn a_connection_that_was_cut_while_idle_is_replaced_without_an_error() {
    let server = Instance::start(Service::Redis).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let store = open(proxy.url()).await;
    let _created = store.create(&KEY, &record("coat")).await.unwrap();
    proxy.cut();
    assert_eq!(payload(&store).await.as_deref(), Some("coat"));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_there_and_reported_as_uncertain() {
    let server = Instance::start(Service::Redis).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let store = open(proxy.url()).await;
    let CreateOutcome::Created(version) = store.create(&KEY, &record("coat")).await.unwrap() else {
        panic!()
    };
    // The server has seen the script then, and does not only answer that it has not.
    assert_eq!(
        store.update(&StoreKey::from_hash([8; 32]), version, &record("")).await.unwrap(),
        UpdateOutcome::NotFound
    );
    proxy.set(Fault::LoseAnswer { to: b"EVALSHA".to_vec() });
    assert!(store.update(&KEY, version, &record("hat")).await.unwrap_err().is_uncertain());
    assert_eq!(proxy.losses(), 1);
    assert_eq!(payload(&store).await.as_deref(), Some("hat"));
}

#[tokio::test]
async fn an_increment_whose_answer_or_request_is_lost_counts_exactly_once() {
    let server = Instance::start(Service::Redis).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let clock = ManualClock::at(Timestamp::now());
    let mut app = App::on(open(proxy.url()).await, &clock);
    assert_eq!(app.get("/write").await.1, "1");
    assert_eq!(app.get("/write").await.1, "2");
    for visits in 3..20_u32 {
        // The first script of a request loads, the second writes: hit each of them, on the way there and on the way back.
        let bytes = b"EVALSHA".to_vec();
        let fault = match visits % 2 {
            0 => Fault::LoseRequest { with: bytes },
            _ => Fault::LoseAnswer { to: bytes },
        };
        proxy.set(fault);
        let (status, body) = app.get("/write").await;
        assert_eq!((status.as_u16(), body), (200, visits.to_string()));
    }
    assert_eq!(app.get("/read").await.1, "19");
    assert_eq!(proxy.losses(), 17);
}

/// What is lost is the write: the load has been answered before the fault is set.
#[tokio::test]
async fn a_first_write_whose_answer_is_lost_makes_one_session() {
    let server = Instance::start(Service::Redis).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let clock = ManualClock::at(Timestamp::now());
    let store = open(proxy.url()).await;
    for _ in 0..4 {
        let mut app = App::on(store.clone(), &clock);
        proxy.set(Fault::LoseAnswer { to: b"EVALSHA".to_vec() });
        let (status, body) = app.get("/write").await;
        assert_eq!((status.as_u16(), body.as_str()), (200, "1"));
        assert_eq!(app.get("/write").await.1, "2");
    }
    assert_eq!(proxy.losses(), 4);
    assert_eq!(cloakroom_store::Scan::count(&store).await.unwrap(), 4);
}

#[tokio::test]
async fn a_revocation_whose_answer_was_lost_can_be_made_again() {
    let server = Instance::start(Service::Redis).unwrap();
    let proxy = Proxy::to(&server.url()).unwrap();
    let store = open(proxy.url()).await;
    let (alice, now) = (OwnerKey::new("alice").unwrap(), Timestamp::now());
    let theirs = record("coat").with_owner(Owner::new(alice.clone(), now));
    let _created = store.create(&KEY, &theirs).await.unwrap();
    store.revoke(&OwnerKey::new("bob").unwrap(), now).await.unwrap(); // the server has seen the script then
    proxy.set(Fault::LoseAnswer { to: b"EVALSHA".to_vec() });
    unavailable(store.revoke(&alice, now).await);
    assert_eq!(store.revoke(&alice, now).await.unwrap(), 0);
    assert_eq!(payload(&store).await, None);
    assert_eq!(store.create(&KEY, &theirs).await.unwrap(), CreateOutcome::Revoked);
}
