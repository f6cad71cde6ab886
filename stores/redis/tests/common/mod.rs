//! Stores and harnesses on the servers that `cargo xtask services run` starts.

use std::sync::Arc;

use cloakroom_conformance::{Ability, Limits, ManualHarness};
use cloakroom_redis::RedisStore;
use cloakroom_store::{ManualClock, Timestamp};

const LARGEST: usize = 1 << 20;

pub(crate) fn url(name: &str) -> String {
    std::env::var(format!("CLOAKROOM_TEST_{name}")).unwrap()
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    format!("test{:016x}:", getrandom::u64().unwrap())
}

pub(crate) async fn harness(url: &str) -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let prefix = prefix();
    let open = |url: &str| {
        let builder = RedisStore::builder(url).unwrap().prefix(&*prefix).largest_payload(LARGEST);
        builder.clock(Arc::new(clock.clone()))
    };
    let (store, other) = (open(url).open().await.unwrap(), open(url).open().await.unwrap());
    let unreachable = open("redis://127.0.0.1:1?connect_timeout=200ms").open_later().unwrap();
    ManualHarness::with_clock(clock.clone(), store)
        .and_handle(other)
        .and_unreachable(unreachable)
        .with_limits(Limits::default().largest_payload(LARGEST).promise(&[Ability::Scan, Ability::Owners]))
}
