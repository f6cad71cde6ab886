//! The store keeps the contract: two handles on the same tables, and tables among others by a given pool.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::num::NonZeroU32;

use cloakroom_conformance::{Capability, Limits, ManualHarness, cases, suite};
use cloakroom_mysql::sqlx::mysql::MySqlPoolOptions;
use cloakroom_mysql::{Builder, MysqlStore};
use cloakroom_services::optional_mysql;
use cloakroom_store::{ManualClock, Timestamp};
use support::Tables;

const LARGEST: usize = 1 << 20;

fn limits() -> Limits {
    Limits::default().max_payload_bytes(LARGEST).promise(&Capability::ALL)
}

async fn open(builder: Builder, clock: &ManualClock) -> MysqlStore {
    let connections = NonZeroU32::new(4).unwrap();
    let builder = builder.clock(clock.clone()).max_payload_bytes(LARGEST).connections(connections);
    builder.build().await.unwrap()
}

mod on_two_handles {
    use super::*;

    async fn harness() -> ManualHarness {
        let tables = Tables::lend().await;
        let clock = ManualClock::at(Timestamp::now());
        let (store, other) = (open(tables.builder(), &clock).await, open(tables.builder(), &clock).await);
        let pool = MySqlPoolOptions::new().connect_lazy(&support::url()).unwrap();
        let unreachable = open(tables.name(MysqlStore::from_pool(pool.clone())), &clock).await;
        pool.close().await;
        ManualHarness::with_clock(clock, store)
            .and_handle(other)
            .and_unreachable(unreachable)
            .with_limits(limits())
            .keeping(tables)
    }

    suite!(harness().await);
}

mod by_a_given_pool {
    use super::*;

    async fn harness() -> ManualHarness {
        let tables = Tables::lend().await;
        let clock = ManualClock::at(Timestamp::now());
        let pool = MySqlPoolOptions::new().max_connections(4).connect_lazy(&support::url()).unwrap();
        let store = open(tables.name(MysqlStore::from_pool(pool)), &clock).await;
        ManualHarness::with_clock(clock, store).with_limits(limits()).keeping(tables)
    }

    suite!(harness().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mysql_where_there_is_one() {
    let Some(url) = optional_mysql() else { return };
    let builder = MysqlStore::from_url(&url).unwrap().prefix(support::unused("t"));
    for case in cases() {
        builder.create_tables().await.unwrap();
        let clock = ManualClock::at(Timestamp::now());
        let (store, other) = (open(builder.clone(), &clock).await, open(builder.clone(), &clock).await);
        let harness = ManualHarness::with_clock(clock, store).and_handle(other).with_limits(limits());
        let verdict = case.run(&harness).await;
        builder.drop_all().await.unwrap();
        assert!(verdict.is_ok(), "{case:?}: {verdict:?}");
    }
}
