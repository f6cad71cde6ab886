//! What operations cost, by the server's own statistics: trips, indices that are written, tables that are gone through.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom_conformance::LongList;
use cloakroom_postgres::PostgresStore;
use cloakroom_services::proxy::Proxy;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    BodyStore, Ended, ManualClock, Owner, OwnerKey, Record, Replaced, Store, Timestamp, Touch, UpdateOutcome,
    Version,
};
use support::{Tables, created, holding, key, number, run};

/// A server that counts statements, and on which nothing happens by itself.
fn counting() -> Instance {
    let counting = ["-c", "shared_preload_libraries=pg_stat_statements", "-c", "autovacuum=off"];
    tokio::task::block_in_place(|| Instance::start_with(Service::Postgres, &counting).unwrap())
}

fn url(server: &Instance) -> String {
    format!("{}?sslmode=disable", server.url())
}

async fn open(server: &Instance, clock: &ManualClock) -> PostgresStore {
    let builder = PostgresStore::from_url(&url(server)).unwrap().clock(clock.clone());
    builder.create_tables().await.unwrap();
    builder.build().await.unwrap()
}

/// How many statements clients have sent that name our tables or functions.
async fn trips(server: &Instance) -> i64 {
    let sql = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
        WHERE query LIKE '%cloakroom\\_%' AND query NOT LIKE '%pg\\_stat%'";
    number(&url(server), sql.into()).await
}

/// A record of `owner`.
fn owned(owner: &str, since: Timestamp) -> Record {
    holding(1).with_owner(Owner::new(OwnerKey::new(owner).unwrap(), since))
}

fn updated(answer: UpdateOutcome) -> Version {
    match answer {
        UpdateOutcome::Updated(version) => version,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_the_contract_is_one_statement() {
    let server = counting();
    run(&url(&server), "CREATE EXTENSION pg_stat_statements".into()).await;
    let clock = ManualClock::at(Timestamp::now());
    let (store, now) = (open(&server, &clock).await, Timestamp::now());
    let mut expected = trips(&server).await;
    let mut one_more = async |what: &str| {
        expected += 1;
        assert_eq!(trips(&server).await, expected, "{what}");
    };

    let soon = holding(1).with_expires_at(now + Duration::from_mins(1));
    let version = created(store.create(&key(1), &soon).await.unwrap());
    one_more("a first write").await;
    store.load(&key(1), None).await.unwrap().unwrap();
    one_more("a read").await;
    let touch = Touch::new(now + Duration::from_mins(5), now + Duration::from_mins(10));
    let touched = store.load(&key(1), Some(touch)).await.unwrap().unwrap();
    assert_eq!(touched.record.expires_at, touch.expires_at);
    one_more("a read with a touch that is due").await;
    store.load(&key(1), Some(touch)).await.unwrap().unwrap();
    one_more("a read with a touch that is not due").await;
    let version = updated(store.update(&key(1), version, &holding(2)).await.unwrap());
    one_more("a write after a read").await;
    let conflict = store.update(&key(1), Version::new(version.get() + 7), &holding(3)).await.unwrap();
    assert!(matches!(conflict, UpdateOutcome::Conflict(there) if there.version == version));
    one_more("a conflict, with what is there").await;
    let version = created(store.create(&key(2), &owned("alice", now)).await.unwrap());
    one_more("a log-in's new record").await;
    updated(store.update(&key(2), version, &owned("alice", now)).await.unwrap());
    one_more("a write by a user").await;
    assert!(store.touch(&key(1), Timestamp::NEVER).await.unwrap());
    one_more("a touch").await;
    assert!(store.delete(&key(1)).await.unwrap().is_some());
    one_more("a delete, with what was there").await;
    let owners = store.capabilities().owners.unwrap();
    assert_eq!(owners.list(&OwnerKey::new("alice").unwrap(), None, 10).await.unwrap().heads.len(), 1);
    one_more("a list").await;
    assert_eq!(owners.revoke(&OwnerKey::new("alice").unwrap(), now).await.unwrap(), 1);
    one_more("a revocation").await;
}

/// A column of the server's statistics about the records.
async fn statistic(server: &Instance, column: &str) -> i64 {
    let sql = format!("SELECT {column} FROM pg_stat_user_tables WHERE relname = 'cloakroom_records'");
    number(&url(server), sql).await
}

/// Waits until all has been counted: a connection tells what it did when it ends.
async fn wait_for_statistics(server: &Instance) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    while number(&url(server), sql.into()).await > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usual_writes_touch_no_index_and_nothing_but_counting_goes_through_the_table() {
    let server = counting();
    let clock = ManualClock::at(Timestamp::now());
    let (store, now) = (open(&server, &clock).await, Timestamp::now());
    let until = |seconds: u64| holding(1).with_expires_at(now + Duration::from_secs(seconds));
    let mut versions = Vec::new();
    for number in 0..500 {
        versions.push(created(store.create(&key(number), &until(1_800)).await.unwrap()));
    }
    run(&url(&server), "ANALYZE".into()).await;
    drop(store);
    wait_for_statistics(&server).await;
    let scans = statistic(&server, "seq_scan").await;

    let store = open(&server, &clock).await;
    for round in 1..=4 {
        for (number, version) in (0..).zip(versions.iter_mut()) {
            *version = updated(store.update(&key(number), *version, &until(1_800 + round)).await.unwrap());
        }
    }
    let owner = OwnerKey::new("alice").unwrap();
    created(store.create(&key(1_000), &owned("alice", now)).await.unwrap());
    let owners = store.capabilities().owners.unwrap();
    owners.list(&owner, None, 10).await.unwrap();
    owners.revoke(&owner, now).await.unwrap();
    store.capabilities().scan.unwrap().scan(None, 100).await.unwrap();
    store.load(&key(3), None).await.unwrap().unwrap();
    store.delete(&key(3)).await.unwrap().unwrap();
    drop(store);
    wait_for_statistics(&server).await;
    let (all, heap_only) = (statistic(&server, "n_tup_upd").await, statistic(&server, "n_tup_hot_upd").await);
    assert_eq!(all, 2_000);
    assert!(heap_only * 100 >= all * 90, "{heap_only} of {all} updates wrote no index");
    assert_eq!(statistic(&server, "seq_scan").await, scans);

    // What is due is looked at, found alive and put off; later it has expired and is removed.
    let store = open(&server, &clock).await;
    let sweep = store.capabilities().sweep.unwrap();
    clock.set(now + Duration::from_secs(1_801));
    assert_eq!(sweep.sweep(10_000).await.unwrap().removed, 0);
    clock.set(now + Duration::from_secs(1_900));
    let swept = sweep.sweep(400).await.unwrap();
    assert!(swept.removed == 400 && swept.more);
    assert_eq!(sweep.sweep(10_000).await.unwrap().removed, 99);
    assert_eq!(store.capabilities().scan.unwrap().count().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn f15_a_list_of_1200_large_sessions_is_read_in_pages_without_their_payloads() {
    let tables = Tables::make().await;
    let proxy = Proxy::to(&support::url()).unwrap();
    let reader = tables.name(PostgresStore::from_url(proxy.url()).unwrap()).build().await.unwrap();
    let cost = LongList::measure(&tables.open().await, &reader, 20_000, || proxy.received()).await.unwrap();
    cost.assert_bounded(100_000, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_and_a_write_are_one_trip_each_on_the_wire_and_nothing_is_asked_beside() {
    let tables = Tables::make().await;
    let proxy = Proxy::to(&support::url()).unwrap();
    let builder = tables.name(PostgresStore::from_url(proxy.url()).unwrap());
    let store = builder.connections(NonZeroU32::MIN).build().await.unwrap();
    let mut version = created(store.create(&key(1), &holding(0)).await.unwrap());
    store.load(&key(1), None).await.unwrap().unwrap();
    version = updated(store.update(&key(1), version, &holding(0)).await.unwrap());
    let before = proxy.turns(); // all is prepared
    for number in 1..=10 {
        store.load(&key(1), None).await.unwrap().unwrap();
        version = updated(store.update(&key(1), version, &holding(number)).await.unwrap());
    }
    assert_eq!(proxy.turns() - before, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_of_bodies_is_one_statement() {
    let server = counting();
    run(&url(&server), "CREATE EXTENSION pg_stat_statements".into()).await;
    let table =
        "CREATE TABLE session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)";
    run(&url(&server), table.into()).await;
    let bodies = PostgresStore::from_url(&url(&server)).unwrap().build_bodies().await.unwrap();
    let (until, now) = (Timestamp::NEVER, trips(&server).await);
    let mut expected = now;
    let mut one_more = async |what: &str| {
        expected += 1;
        assert_eq!(trips(&server).await, expected, "{what}");
    };

    let version = bodies.insert("a", b"{}", until).await.unwrap().unwrap();
    one_more("a first write").await;
    bodies.read("a").await.unwrap().unwrap();
    one_more("a read").await;
    assert!(bodies.touch("a", until).await.unwrap());
    one_more("a touch").await;
    let Replaced::Replaced(next) = bodies.replace("a", version, b"[]", until).await.unwrap() else {
        panic!()
    };
    one_more("a write").await;
    let Replaced::Changed(there) = bodies.replace("a", version, b"[1]", until).await.unwrap() else {
        panic!()
    };
    one_more("a write that meets another one").await;
    assert_eq!(there.version, next);
    let Ended::Ended(_) = bodies.end("a", Some(next)).await.unwrap() else { panic!() };
    one_more("an end").await;
}
