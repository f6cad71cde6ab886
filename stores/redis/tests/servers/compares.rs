//! Servers that compare by themselves (`SET … IFEQ`): no script for an update, the same outcomes, and older servers after them.

use std::time::Duration;

use cloakroom_redis::RedisStore;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    Clock as _, ErrorKind, ManualClock, Record, Store as _, StoreKey, Timestamp, Touch, UpdateOutcome,
};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::raw::{Raw, Watch};
use crate::shared::{created, prefix, shared, updated};

const LIFE: Duration = Duration::from_secs(1_800);

fn key() -> StoreKey {
    StoreKey::from_bytes(&[0, 0, 0]).unwrap()
}

#[tokio::test]
async fn an_update_of_a_record_that_was_read_is_one_command_and_no_script() {
    let server = Instance::start(Service::Valkey).unwrap();
    let store = RedisStore::open(&server.url()).await.unwrap();
    let record = Record::new("coat", Timestamp::now() + LIFE);
    let version = created(&store, &key(), &record).await;
    store.load(&key(), None).await.unwrap().unwrap();
    let [mut plain, mut scripts] = [(); 2].map(|()| Watch::on(&[server.url()]));
    let version = updated(&store, &key(), version, &record.clone().with_payload("hat")).await;
    let lasting = record.with_payload("scarf").with_expires_at(Timestamp::NEVER);
    updated(&store, &key(), version, &lasting).await;
    assert_eq!((plain.commands("IFEQ"), scripts.commands("EVAL")), (2, 0));
    assert_eq!(store.load(&key(), None).await.unwrap().unwrap().record, lasting);
    assert_eq!(Raw::server(&server.url()).ask::<i64>("PTTL cloakroom:r:{AAAA}"), -1);
}

/// Of two handles, one knows the record as it was before the other changed it.
#[tokio::test]
async fn what_another_process_did_in_between_has_the_outcome_that_a_script_finds() {
    let (clock, prefix) = (ManualClock::at(Timestamp::now()), prefix());
    let open = async || {
        let builder = shared(Service::Valkey, "").prefix(&*prefix).clock(clock.clone());
        builder.build().await.unwrap()
    };
    let (store, other) = (open().await, open().await);
    let record = Record::new("coat", clock.now() + LIFE);
    let version = created(&store, &key(), &record).await;

    // A touch moves the expiry and leaves the version.
    store.load(&key(), None).await.unwrap().unwrap();
    assert!(other.touch(&key(), clock.now() + 2 * LIFE).await.unwrap());
    let version = updated(&store, &key(), version, &record).await;

    let newer = updated(&other, &key(), version, &record.clone().with_payload("hat")).await;
    let UpdateOutcome::Conflict(there) = store.update(&key(), version, &record).await.unwrap() else {
        panic!()
    };
    assert_eq!((there.version, &there.record.payload[..]), (newer, &b"hat"[..]));

    store.load(&key(), None).await.unwrap().unwrap();
    other.delete(&key()).await.unwrap().unwrap();
    assert_eq!(store.update(&key(), newer, &record).await.unwrap(), UpdateOutcome::NotFound);

    // It expires while it is kept, to the microsecond; one that is ended is gone.
    let version = created(&store, &key(), &record).await;
    store.load(&key(), None).await.unwrap().unwrap();
    let touch = Touch::new(Timestamp::NEVER, record.expires_at + LIFE);
    assert!(store.load(&key(), Some(touch)).await.unwrap().is_some());
    let version = updated(&store, &key(), version, &record).await;
    clock.set(record.expires_at);
    let later = record.clone().with_expires_at(clock.now() + LIFE);
    assert_eq!(store.update(&key(), version, &later).await.unwrap(), UpdateOutcome::NotFound);
    clock.set(record.expires_at - LIFE);
    store.load(&key(), None).await.unwrap().unwrap();
    updated(&store, &key(), version, &record.with_expires_at(clock.now())).await;
    assert_eq!(other.load(&key(), None).await.unwrap(), None);

    let mut raw = Raw::server(&Service::Valkey.shared());
    let version = created(&store, &key(), &later).await;
    store.load(&key(), None).await.unwrap().unwrap();
    let _: i64 = raw.ask(&format!("DEL {prefix}r:{{AAAA}}"));
    let _: i64 = raw.ask(&format!("LPUSH {prefix}r:{{AAAA}} foreign"));
    assert_eq!(store.update(&key(), version, &later).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

/// Forwards a port to the server that is chosen last, and cuts the connections to the one before.
async fn forward(mut chosen: watch::Receiver<u16>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let to = *chosen.borrow_and_update();
            let mut chosen = chosen.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => {}
                    _ = chosen.changed() => {}
                }
            });
        }
    });
    port
}

fn port_of(server: &Instance) -> u16 {
    server.url().rsplit(':').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn after_a_failover_to_an_older_server_an_update_is_a_script_again() {
    let (newer, older) =
        (Instance::start(Service::Valkey).unwrap(), Instance::start(Service::Redis).unwrap());
    let (choose, chosen) = watch::channel(port_of(&newer));
    let store = RedisStore::open(&format!("redis://127.0.0.1:{}", forward(chosen).await)).await.unwrap();
    let record = Record::new("coat", Timestamp::now() + LIFE);
    created(&store, &key(), &record).await;
    store.load(&key(), None).await.unwrap().unwrap();
    choose.send(port_of(&older)).unwrap();
    // A load is sent again on a new connection.
    assert_eq!(store.load(&key(), None).await.unwrap(), None, "the older server has not got it");
    let mut version = created(&store, &key(), &record).await;
    let mut watch = Watch::on(&[older.url()]);
    for _ in 0..2 {
        store.load(&key(), None).await.unwrap().unwrap();
        version = updated(&store, &key(), version, &record).await;
    }
    assert_eq!(watch.commands("IFEQ"), 1, "the server was asked once");
    assert_eq!(store.load(&key(), None).await.unwrap().unwrap().version, version);
}
