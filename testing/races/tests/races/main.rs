//! Every row of the concurrency contract, on every embedded store, through real HTTP.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
