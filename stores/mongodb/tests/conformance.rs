//! The store keeps the contract, on a single server and on a replica set.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use cloakroom_conformance::{Capability, Limits, ManualHarness, suite};
use cloakroom_mongodb::MongoStore;
use cloakroom_services::{Port, Service};
use cloakroom_store::{ManualClock, Timestamp};

const LARGEST: usize = 1 << 20;

async fn harness(url: String) -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let place = place::Place::new(&url).await;
    let builder =
        |url: &str| MongoStore::from_url(url).unwrap().clock(clock.clone()).max_payload_bytes(LARGEST);
    let store = builder(&url).collection(place.collection()).build().await.unwrap();
    let other = builder(&url).collection(place.collection()).build().await.unwrap();
    let port = Port::free().unwrap();
    let nowhere = format!("mongodb://127.0.0.1:{}/?serverSelectionTimeoutMS=50", port.number());
    let nowhere = builder(&nowhere).build_lazy().await.unwrap();
    ManualHarness::with_clock(clock, store)
        .and_handle(other)
        .and_unreachable(nowhere)
        .with_limits(
            Limits::default().max_payload_bytes(LARGEST).promise(&[Capability::Scan, Capability::Owners]),
        )
        .keeping((place, port))
}

mod on_one_server {
    use super::*;
    suite!(harness(Service::Mongodb.shared()).await);
}

mod on_a_replica_set {
    use super::*;
    suite!(harness(Service::MongodbReplicas.shared()).await);
}
