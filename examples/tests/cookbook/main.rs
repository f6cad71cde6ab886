//! The programs of `docs/cookbook.md`, each with a test. What the document shows is the beginning of each file, word for
//! word: `document.rs` checks that.
#![allow(clippy::unwrap_used, reason = "a test that is surprised fails")]
#![allow(clippy::unused_async, reason = "handlers are async, whether they wait or not")]

mod browser;
mod document;

mod compression;
mod csrf_form;
mod csrf_script;
mod devices;
mod ended;
mod events;
mod flash;
mod fresh;
mod gone;
mod known_log_out;
mod log_in;
mod long_requests;
mod new_types;
mod oauth;
mod one_time;
mod outages;
mod panics_and_cors;
mod policy;
mod reauthentication;
mod remember_me;
mod roles;
mod session_limit;
mod signing;
mod testing;
mod timeouts;
mod two_programs;
mod typed;
mod versions;
mod websocket;
