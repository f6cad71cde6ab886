//! Every row of the concurrency contract, on every embedded store, through real HTTP.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod s1_s2_writers;
mod s3_log_out;
mod s4_log_out;
