//! What the tiered store promises beyond the contract, on every pair of stores.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod bound;
mod conformance;
mod never_18;
mod outages;
mod pairs;
mod servers;
mod watched;
