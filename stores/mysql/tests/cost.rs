//! What operations cost, by the server's own statistics.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom_conformance::LongList;
use cloakroom_mysql::MysqlStore;
use cloakroom_mysql::sqlx::{Connection, MySqlConnection, Row, query};
use cloakroom_services::proxy::Proxy;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{Owner, OwnerKey, Record, Store, Timestamp, Touch, UpdateOutcome, Version};
use support::{Tables, created, holding, key};

/// Counts what clients ask the server.
struct Counter {
    connection: MySqlConnection,
    seen: u64,
}

impl Counter {
    /// How many statements were sent since the last call.
    async fn trips(&mut self) -> u64 {
        let answer =
            query("SHOW GLOBAL STATUS LIKE 'Questions'").fetch_one(&mut self.connection).await.unwrap();
        let asked: u64 = answer.get::<String, _>(1).parse().unwrap();
        let own = 1;
        let trips = asked - self.seen - own;
        self.seen = asked;
        trips
    }
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
async fn the_usual_operations_are_one_statement() {
    let server = tokio::task::block_in_place(|| Instance::start(Service::Mariadb).unwrap());
    let url = format!("{}?ssl-mode=DISABLED", server.url());
    let builder = MysqlStore::from_url(&url).unwrap().connections(NonZeroU32::MIN);
    builder.create_tables().await.unwrap();
    let store = builder.build().await.unwrap();
    let mut counter = Counter { connection: MySqlConnection::connect(&url).await.unwrap(), seen: 0 };
    counter.trips().await;

    let now = Timestamp::now();
    let soon = holding(1).with_expires_at(now + Duration::from_mins(1));
    let version = created(store.create(&key(1), &soon).await.unwrap());
    assert_eq!(counter.trips().await, 1, "a first write");
    store.load(&key(1), None).await.unwrap().unwrap();
    assert_eq!(counter.trips().await, 1, "a read");
    let touch = Touch::new(now + Duration::from_mins(5), now + Duration::from_mins(10));
    let touched = store.load(&key(1), Some(touch)).await.unwrap().unwrap();
    assert_eq!(touched.record.expires_at, touch.expires_at);
    assert_eq!(counter.trips().await, 2, "a read with a touch that is due");
    store.load(&key(1), Some(touch)).await.unwrap().unwrap();
    assert_eq!(counter.trips().await, 1, "a read with a touch that is not due");
    let version = updated(store.update(&key(1), version, &holding(2)).await.unwrap());
    assert_eq!(counter.trips().await, 1, "a write after a read");
    let conflict = store.update(&key(1), Version::new(version.get() + 7), &holding(3)).await.unwrap();
    assert!(matches!(conflict, UpdateOutcome::Conflict(there) if there.version == version));
    assert_eq!(counter.trips().await, 2, "a conflict, with what is there");
    let version = created(store.create(&key(2), &owned("alice", now)).await.unwrap());
    assert_eq!(counter.trips().await, 1, "a log-in's new record");
    updated(store.update(&key(2), version, &owned("alice", now)).await.unwrap());
    assert_eq!(counter.trips().await, 1, "a write by a user");
    assert!(store.touch(&key(1), Timestamp::NEVER).await.unwrap());
    assert_eq!(counter.trips().await, 1, "a touch");
    assert!(store.delete(&key(1)).await.unwrap().is_some());
    assert_eq!(counter.trips().await, 2, "a delete, with what was there");
    let (owners, alice) = (store.capabilities().owners.unwrap(), OwnerKey::new("alice").unwrap());
    assert_eq!(owners.list(&alice, None, 10).await.unwrap().heads.len(), 1);
    assert_eq!(counter.trips().await, 1, "a list");
    assert_eq!(owners.revoke(&alice, now).await.unwrap(), 1);
    assert_eq!(counter.trips().await, 5, "a revocation");
}

#[tokio::test(flavor = "multi_thread")]
async fn f15_a_list_of_1200_large_sessions_is_read_in_pages_without_their_payloads() {
    let tables = Tables::make().await;
    let proxy = Proxy::to(&support::url()).unwrap();
    let reader = tables.name(MysqlStore::from_url(proxy.url()).unwrap()).build().await.unwrap();
    let cost = LongList::measure(&tables.open().await, &reader, 20_000, || proxy.received()).await.unwrap();
    cost.assert_bounded(100_000, 100_000);
}
