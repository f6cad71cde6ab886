//! The store keeps the contract.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_conformance::{Ability, Limits, ManualHarness, suite};
use cloakroom_etcd::EtcdStore;
use cloakroom_services::{Port, Service};
use cloakroom_store::{ManualClock, Timestamp};

const LARGEST: usize = 300_000;

async fn harness() -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let prefix = place::prefix();
    let builder = |url: &str| {
        let builder = EtcdStore::builder(url).prefix(prefix.as_str());
        builder.clock(Arc::new(clock.clone())).largest_payload(LARGEST)
    };
    let url = Service::Etcd.shared();
    let (store, other) = (builder(&url).open().await.unwrap(), builder(&url).open().await.unwrap());
    let port = Port::free().unwrap();
    let nowhere = builder(&format!("etcd://127.0.0.1:{}", port.number()));
    let nowhere = nowhere.timeout(Duration::from_millis(300)).open_lazily().unwrap();
    ManualHarness::with_clock(clock, store)
        .and_handle(other)
        .and_unreachable(nowhere)
        .with_limits(Limits::default().largest_payload(LARGEST).promise(&[Ability::Scan, Ability::Owners]))
        .keeping(port)
}

suite!(harness().await);
