//! The store keeps the contract.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::sync::Arc;

use cloakroom_conformance::{Limits, ManualHarness, suite};
use cloakroom_memcached::MemcachedStore;
use cloakroom_services::{Port, Service};
use cloakroom_store::{ManualClock, Timestamp};

const LARGEST: usize = 500_000;

async fn harness() -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let prefix = place::prefix();
    let builder = |url: &str| {
        let builder = MemcachedStore::builder(url).prefix(prefix.as_str());
        builder.clock(Arc::new(clock.clone())).largest_payload(LARGEST)
    };
    let url = Service::Memcached.shared();
    let (store, other) = (builder(&url).open().await.unwrap(), builder(&url).open().await.unwrap());
    let port = Port::free().unwrap();
    let nowhere = builder(&format!("memcached://127.0.0.1:{}", port.number())).open_lazily().unwrap();
    ManualHarness::with_clock(clock, store)
        .and_handle(other)
        .and_unreachable(nowhere)
        .with_limits(Limits::default().largest_payload(LARGEST))
        .keeping(port)
}

suite!(harness().await);
