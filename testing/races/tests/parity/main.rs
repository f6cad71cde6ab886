//! The rows of docs/parity.md: the letter and the number of a row begin the name of its tests.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod cookie;
mod flash;
mod hooks;
mod life;
mod options;
mod outages;
mod stores;
mod values;
