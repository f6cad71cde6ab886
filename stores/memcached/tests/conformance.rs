//! The store keeps the contract.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use cloakroom_conformance::{Limits, ManualHarness, suite};
use cloakroom_memcached::MemcachedStore;
use cloakroom_services::{Port, Service};
use cloakroom_store::{ManualClock, Timestamp};

const LARGEST: usize = 500_000;

async fn harness() -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let prefix = place::prefix();
    let builder = |url: &str| {
        let builder = MemcachedStore::from_url(url).unwrap().prefix(prefix.as_str());
        builder.clock(clock.clone()).max_payload_bytes(LARGEST)
    };
    let url = Service::Memcached.shared();
    let (store, other) = (builder(&url).build().await.unwrap(), builder(&url).build().await.unwrap());
    let port = Port::free().unwrap();
    let nowhere = builder(&format!("memcached://127.0.0.1:{}", port.number())).build_lazy().unwrap();
    ManualHarness::with_clock(clock, store)
        .and_handle(other)
        .and_unreachable(nowhere)
        .with_limits(Limits::default().max_payload_bytes(LARGEST))
        .keeping(port)
}

suite!(harness().await);
