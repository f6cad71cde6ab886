//! What the short way of an update must not pass over: foreign bytes, an expiry, another owner, an index that ends early.

use std::time::Duration;

use cloakroom_conformance::heads_of;
use cloakroom_redis::RedisStore;
use cloakroom_services::Service;
use cloakroom_store::{
    Clock as _, ErrorKind, ManualClock, Owner, OwnerKey, Owners as _, Record, Store as _, StoreKey,
    Timestamp, UpdateOutcome, Version,
};

use crate::raw::Raw;
use crate::shared::{created, prefix, shared, updated};

const LIFE: Duration = Duration::from_secs(1_800);

async fn open() -> (RedisStore, ManualClock, String) {
    let (clock, prefix) = (ManualClock::at(Timestamp::now()), prefix());
    let builder = shared(Service::Redis, "").prefix(&*prefix).clock(clock.clone());
    (builder.build().await.unwrap(), clock, prefix)
}

fn key() -> StoreKey {
    StoreKey::from_bytes(&[0, 0, 0]).unwrap()
}

fn of(user: &str, since: Timestamp, expires_at: Timestamp) -> Record {
    let owner = Some(Owner::new(OwnerKey::new(user).unwrap(), since));
    Record::new("coat", expires_at).with_owner(owner)
}

#[tokio::test]
async fn bytes_that_are_not_a_record_stay_although_the_version_expected_is_in_them() {
    let (store, clock, prefix) = open().await;
    let mut raw = Raw::server(&Service::Redis.shared());
    let name = format!("{prefix}r:{{AAAA}}");
    let ownerless = "2001800000000123456000000000000c0a7s000000006000a_coat";
    let never = "100xx00000000123456000000000000c0a7s000000006000a_coat";
    let alices = "1253402300799999999000000000000c0a7-000000006005000000000000000007253402300799999999alice";
    for (bytes, record) in [
        (ownerless, Record::new("coat", clock.now() + LIFE)),
        (never, Record::new("coat", clock.now() + LIFE)),
        (&alices[..84], of("alice", Timestamp::from_micros(7), clock.now() + LIFE)),
        (&alices[..87], of("alice", Timestamp::from_micros(7), clock.now() + LIFE)),
    ] {
        let _: String = raw.ask(&format!("SET {name} {bytes}"));
        let error = store.update(&key(), Version::new(0xc0a7), &record).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{bytes}");
        assert_eq!(raw.ask::<String>(&format!("GET {name}")), bytes);
    }
}

#[tokio::test]
async fn a_record_is_updated_until_the_microsecond_of_its_expiry_and_not_in_it() {
    let (store, clock, _) = open().await;
    for record in [Record::new("coat", clock.now() + LIFE), of("alice", clock.now(), clock.now() + LIFE)] {
        let version = created(&store, &key(), &record).await;
        clock.set(record.expires_at - Duration::from_micros(1));
        let version = updated(&store, &key(), version, &record).await;
        clock.set(record.expires_at);
        assert_eq!(store.update(&key(), version, &record).await.unwrap(), UpdateOutcome::NotFound);
        clock.set(record.expires_at - LIFE);
        store.delete(&key()).await.unwrap();
    }
}

#[tokio::test]
async fn an_update_that_ends_a_record_or_has_it_last_for_ever_takes_effect() {
    let (store, clock, _) = open().await;
    for record in [Record::new("coat", clock.now() + LIFE), of("alice", clock.now(), clock.now() + LIFE)] {
        let version = created(&store, &key(), &record).await;
        let lasting = record.clone().with_expires_at(Timestamp::NEVER);
        let version = updated(&store, &key(), version, &lasting).await;
        assert_eq!(store.load(&key(), None).await.unwrap().unwrap().record, lasting);
        let version = updated(&store, &key(), version, &record).await;
        assert_eq!(store.load(&key(), None).await.unwrap().unwrap().record, record);
        let over = record.with_expires_at(clock.now());
        updated(&store, &key(), version, &over).await;
        assert_eq!(store.load(&key(), None).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_update_of_the_same_owner_keeps_until_when_the_index_lasts_and_one_of_another_moves() {
    let (store, clock, prefix) = open().await;
    let mut raw = Raw::server(&Service::Redis.shared());
    let mut listed_until = || -> String { raw.ask(&format!("GETRANGE {prefix}r:{{AAAA}} 66 83")) };
    let users = ["alice", "alina"].map(|name| OwnerKey::new(name).unwrap());
    let counts = async || {
        [heads_of(&store, &users[0]).await.unwrap().len(), heads_of(&store, &users[1]).await.unwrap().len()]
    };
    let record = of("alice", clock.now(), clock.now() + LIFE);
    let version = created(&store, &key(), &record).await;
    let first = listed_until();
    clock.advance(Duration::from_secs(60));
    let later = record.with_expires_at(clock.now() + LIFE).with_payload("hat");
    let version = updated(&store, &key(), version, &later).await;
    assert_eq!((listed_until(), counts().await), (first.clone(), [1, 0]));
    assert_eq!(store.load(&key(), None).await.unwrap().unwrap().record, later);
    // Further than the index was to last.
    let far = later.with_expires_at(clock.now() + LIFE * 1_000);
    let version = updated(&store, &key(), version, &far).await;
    assert!(listed_until() > first);
    // As long a name, and the same moment.
    let other = of("alina", clock.now(), clock.now() + LIFE);
    let version = updated(&store, &key(), version, &other).await;
    assert_eq!(counts().await, [0, 1]);
    // A user who was revoked since keeps nothing by an update that brings the user back.
    let _ended = store.revoke(&users[0], clock.now()).await.unwrap();
    let back = of("alice", clock.now(), clock.now() + LIFE);
    assert_eq!(store.update(&key(), version, &back).await.unwrap(), UpdateOutcome::Revoked);
}
