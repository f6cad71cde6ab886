//! Every row of the concurrency contract, on every embedded store, through real HTTP.
#![expect(clippy::unnecessary_wraps, reason = "handlers have one shape, whether they can fail or not")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod bad_clock;
mod bad_config;
mod bad_sizes;
mod bad_values;
mod never_in_the_cookie;
mod never_in_the_session;
mod s10_cut;
mod s10_reset;
mod s11_claims;
mod s11_removals;
mod s12_several_ids;
mod s13_long_requests;
mod s14_saves;
mod s15_clocks;
mod s16_callbacks;
mod s17_hanging_store;
mod s1_s2_writers;
mod s3_log_out;
mod s4_log_out;
mod s5_renewal;
mod s6_old_id;
mod s7_revoke;
mod s8_cap;
mod s9_lost_answers;
mod s9_others_between;
mod s9_saves_again;
mod same_request;
