//! The store keeps the contract: on one server by both protocols, on Valkey, in a cluster, behind sentinels, by TLS.

#[path = "servers/shared.rs"]
mod shared;

use cloakroom_conformance::{ManualHarness, cases};
use cloakroom_services::Service;
use shared::{given, harness};

mod redis {
    cloakroom_conformance::suite!(crate::harness(crate::Service::Redis, "").await);
}

mod cluster {
    cloakroom_conformance::suite!(crate::harness(crate::Service::RedisCluster, "").await);
}

/// The same cases in one test, as the kinds of servers below differ in how they are reached.
async fn keeps_every_sentence(open: impl AsyncFn() -> ManualHarness) {
    let mut broken = Vec::new();
    for case in cases() {
        if let Err(failure) = case.run(&open().await).await {
            broken.push(format!("{}: {failure}", case.name()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_resp3_every_sentence_is_kept() {
    keeps_every_sentence(async || harness(Service::Redis, "?protocol=resp3").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_tls_every_sentence_is_kept() {
    keeps_every_sentence(async || harness(Service::RedisTls, "").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_sentinels_and_waiting_for_a_replica_every_sentence_is_kept() {
    keeps_every_sentence(async || harness(Service::RedisSentinel, "?wait_for_replicas=1").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_by_resp3_and_waiting_for_a_replica_every_sentence_is_kept() {
    keeps_every_sentence(async || {
        harness(Service::RedisCluster, "?protocol=resp3&wait_for_replicas=1").await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_valkey_every_sentence_is_kept() {
    keeps_every_sentence(async || harness(Service::Valkey, "").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_connection_of_the_application_s_every_sentence_is_kept() {
    keeps_every_sentence(given).await;
}
