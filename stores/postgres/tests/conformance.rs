//! The store keeps the contract: two handles on the same tables, and tables among others in a schema, by a given pool.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::num::NonZeroU32;

use cloakroom_conformance::{Capability, Limits, ManualHarness, suite};
use cloakroom_postgres::sqlx::postgres::PgPoolOptions;
use cloakroom_postgres::{Builder, PostgresStore};
use cloakroom_store::{ManualClock, Timestamp};
use support::Tables;

const LARGEST: usize = 1 << 20;

fn limits() -> Limits {
    Limits::default().max_payload_bytes(LARGEST).promise(&Capability::ALL)
}

async fn open(builder: Builder, clock: &ManualClock) -> PostgresStore {
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
        let pool = PgPoolOptions::new().connect_lazy(&support::url()).unwrap();
        let unreachable = open(tables.name(PostgresStore::from_pool(pool.clone())), &clock).await;
        pool.close().await;
        ManualHarness::with_clock(clock, store)
            .and_handle(other)
            .and_unreachable(unreachable)
            .with_limits(limits())
            .keeping(tables)
    }

    suite!(harness().await);
}

mod in_a_schema_by_a_given_pool {
    use super::*;

    async fn harness() -> ManualHarness {
        let tables = Tables::in_a_schema().await;
        let clock = ManualClock::at(Timestamp::now());
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy(&support::url()).unwrap();
        let store = open(tables.name(PostgresStore::from_pool(pool)), &clock).await;
        ManualHarness::with_clock(clock, store).with_limits(limits()).keeping(tables)
    }

    suite!(harness().await);
}
