//! The store keeps the contract: on one server by both protocols, on Valkey, in a cluster, behind sentinels, by TLS.
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

/// Makes a module with a test of every case.
macro_rules! on {
    ($name:ident, $url:expr) => {
        mod $name {
            cloakroom_conformance::suite!(crate::common::harness(&$url).await);
        }
    };
}

on!(redis, crate::common::url("REDIS"));
