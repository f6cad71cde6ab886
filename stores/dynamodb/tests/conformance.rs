//! The store keeps the contract, on an emulator.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::pin::Pin;

use cloakroom_conformance::{Capability, Limits, ManualHarness, suite};
use cloakroom_services::Port;
use cloakroom_store::{ManualClock, Timestamp};

use place::{LARGEST, builder, open};

/// Boxed, as a test of each case would otherwise have all of it compiled again.
fn harness() -> Pin<Box<dyn Future<Output = ManualHarness> + Send>> {
    Box::pin(make_harness())
}

async fn make_harness() -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let url = place::url();
    let store = open(&url, &clock).await;
    let other = builder(&url, &clock).build_lazy();
    let port = Port::free().unwrap();
    let nowhere = builder(&format!("dynamodb://127.0.0.1:{}", port.number()), &clock).build_lazy();
    let limits =
        Limits::default().max_payload_bytes(LARGEST).promise(&[Capability::Scan, Capability::Owners]);
    ManualHarness::with_clock(clock, store)
        .and_handle(other)
        .and_unreachable(nowhere)
        .with_limits(limits)
        .keeping(port)
}

suite!(harness().await);
