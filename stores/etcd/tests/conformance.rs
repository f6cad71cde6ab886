//! The store keeps the contract.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::time::Duration;

use cloakroom_conformance::{Capability, Limits, ManualHarness, suite};
use cloakroom_etcd::EtcdStore;
use cloakroom_services::{Port, Service, shared_authority};
use cloakroom_store::{ManualClock, Timestamp};

const LARGEST: usize = 300_000;

async fn harness(server: Service) -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let prefix = place::prefix();
    let builder = |url: &str| {
        let builder = EtcdStore::from_url(url).unwrap().prefix(prefix.as_str());
        let builder = builder.clock(clock.clone()).max_payload_bytes(LARGEST);
        match server {
            Service::EtcdCluster if url.starts_with("etcds") => {
                builder.root_certificates(std::fs::read(shared_authority()).unwrap())
            }
            _ => builder,
        }
    };
    let url = server.shared();
    let (store, other) = (builder(&url).build().await.unwrap(), builder(&url).build().await.unwrap());
    let port = Port::free().unwrap();
    let nowhere = builder(&format!("etcd://127.0.0.1:{}", port.number()));
    let nowhere = nowhere.request_timeout(Duration::from_millis(300)).build_lazy().unwrap();
    ManualHarness::with_clock(clock, store)
        .and_handle(other)
        .and_unreachable(nowhere)
        .with_limits(
            Limits::default().max_payload_bytes(LARGEST).promise(&[Capability::Scan, Capability::Owners]),
        )
        .keeping(port)
}

suite!(harness(Service::Etcd).await);

/// Three members, asked through TLS.
mod cluster {
    use super::{Service, harness, suite};

    suite!(harness(Service::EtcdCluster).await);
}
