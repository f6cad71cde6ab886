//! The store keeps the contract, on a single server and on a replica set.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::sync::Arc;

use cloakroom_conformance::{Capability, Limits, ManualHarness, suite};
use cloakroom_mongodb::MongoStore;
use cloakroom_services::{Port, Service};
use cloakroom_store::{ManualClock, Timestamp};

const LARGEST: usize = 1 << 20;

async fn harness(url: String) -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let place = place::Place::new(&url).await;
    let builder =
        |url: &str| MongoStore::builder(url).clock(Arc::new(clock.clone())).largest_payload(LARGEST);
    let store = builder(&url).collection(place.collection()).open().await.unwrap();
    let other = builder(&url).collection(place.collection()).open().await.unwrap();
    let port = Port::free().unwrap();
    let nowhere = format!("mongodb://127.0.0.1:{}/?serverSelectionTimeoutMS=50", port.number());
    let nowhere = builder(&nowhere).open_lazily().await.unwrap();
    ManualHarness::with_clock(clock, store)
        .and_handle(other)
        .and_unreachable(nowhere)
        .with_limits(
            Limits::default().largest_payload(LARGEST).promise(&[Capability::Scan, Capability::Owners]),
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
