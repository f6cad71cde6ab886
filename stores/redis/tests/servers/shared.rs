//! Stores and harnesses on the servers that `cargo xtask services run` starts.
#![allow(dead_code, reason = "each test binary uses some of it")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::pin::Pin;

use cloakroom_conformance::{Capability, Limits, ManualHarness};
use cloakroom_redis::redis::Client;
use cloakroom_redis::{Builder, RedisStore};
use cloakroom_services::{Service, shared_authority};
use cloakroom_store::{
    CreateOutcome, ManualClock, Record, Store as _, StoreKey, Timestamp, UpdateOutcome, Version,
};

const LARGEST: usize = 1 << 20;

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    format!("test{:016x}:", getrandom::u64().unwrap())
}

/// Options for the shared server, which is trusted if it speaks TLS.
pub(crate) fn shared(service: Service, options: &str) -> Builder {
    let builder = RedisStore::from_url(&format!("{}{options}", service.shared())).unwrap();
    match service {
        Service::RedisTls => builder.root_certificates(std::fs::read(shared_authority()).unwrap()),
        _ => builder,
    }
}

/// Makes a record that must not be there yet.
pub(crate) async fn created(store: &RedisStore, key: &StoreKey, record: &Record) -> Version {
    match store.create(key, record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

/// Updates a record that must have this version.
pub(crate) async fn updated(
    store: &RedisStore,
    key: &StoreKey,
    version: Version,
    record: &Record,
) -> Version {
    match store.update(key, version, record).await.unwrap() {
        UpdateOutcome::Updated(version) => version,
        other => panic!("{other:?}"),
    }
}

/// Boxed, as a test of each case would otherwise have all of it compiled again.
pub(crate) fn harness(
    service: Service,
    options: &'static str,
) -> Pin<Box<dyn Future<Output = ManualHarness> + Send>> {
    Box::pin(make_harness(service, options))
}

async fn make_harness(service: Service, options: &str) -> ManualHarness {
    let (clock, prefix) = (ManualClock::at(Timestamp::now()), prefix());
    let open = |builder: Builder| builder.prefix(&*prefix).max_payload_bytes(LARGEST).clock(clock.clone());
    let store = open(shared(service, options)).build().await.unwrap();
    let other = open(shared(service, options)).build_lazy().unwrap();
    let unreachable = RedisStore::from_url("redis://127.0.0.1:1").unwrap();
    ManualHarness::with_clock(clock.clone(), store)
        .and_handle(other)
        .and_unreachable(open(unreachable).build_lazy().unwrap())
        .with_limits(limits())
}

/// On a connection that the application made.
pub(crate) async fn given() -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let client = Client::open(Service::Redis.shared()).unwrap();
    let manager = client.get_connection_manager().await.unwrap();
    let builder = RedisStore::from_client(manager).prefix(prefix()).max_payload_bytes(LARGEST);
    let store = builder.clock(clock.clone()).build().await.unwrap();
    ManualHarness::with_clock(clock, store).with_limits(limits())
}

fn limits() -> Limits {
    Limits::default().max_payload_bytes(LARGEST).promise(&[Capability::Scan, Capability::Owners])
}
