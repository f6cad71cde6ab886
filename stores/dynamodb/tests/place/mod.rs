//! A table of a test's own.
#![allow(dead_code, reason = "each test uses a part")]

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_dynamodb::aws_sdk_dynamodb::Client;
use cloakroom_dynamodb::{Builder, DynamoStore};
use cloakroom_services::Service;
use cloakroom_store::ManualClock;

/// The emulator counts a payload in base64, and so takes less than DynamoDB.
pub(crate) const LARGEST: usize = 250_000;

/// A URL with the name of a table that no other test uses.
pub(crate) fn url() -> String {
    url_at(&Service::Dynamodb.shared())
}

/// The same on a server of one's own, or behind a proxy.
pub(crate) fn url_at(server: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{server}/test-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn builder(url: &str, clock: &ManualClock) -> Builder {
    let builder = DynamoStore::from_url(url).expect("the URL is one");
    builder.clock(clock.clone()).max_payload_bytes(LARGEST)
}

/// A store on the table, which is made if it is missing.
pub(crate) async fn open(url: &str, clock: &ManualClock) -> DynamoStore {
    let builder = builder(url, clock);
    builder.create_tables().await.expect("the emulator makes tables");
    builder.build().await.expect("the table is there")
}

/// A client for what the store does not do, and the name of a table that no other test uses.
pub(crate) fn raw() -> (Client, String) {
    let url = url();
    let store = DynamoStore::from_url(&url).expect("the URL is one").build_lazy();
    (store.client().clone(), store.table().to_owned())
}
