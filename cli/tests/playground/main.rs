//! The real binary, on every store, over real connections.
#![expect(clippy::unwrap_used, reason = "a test that is surprised fails")]

mod admin;
mod check;
mod client;
mod command;
mod explain;
mod formats;
mod guard;
mod kills;
mod migrate;
mod operate;
mod page;
mod places;
mod readme;
mod renamed;
mod routes;
mod secrets;
mod server;
mod steps;
