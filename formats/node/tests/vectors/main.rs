//! Goes through vectors that were recorded by running the real packages, where they are at hand: beside the project,
//! or where `NODE_VECTORS` says. They are not part of the project; the unit tests have facts of their own.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test that reports what it looked at")]

mod bodies;
mod cookies;
mod koa;
mod node_session;
mod tally;

use serde_json::Value;
use std::{env, fs, path::PathBuf};
use tally::Tally;

#[test]
fn every_recorded_vector_is_reproduced_or_excepted_with_a_reason() {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/node/vectors.json"));
    let named = env::var_os("NODE_VECTORS").map(PathBuf::from);
    if named.is_none() && !beside.exists() {
        println!("SKIPPED: no recorded vectors here; 0 of them were looked at");
        return;
    }
    let text = fs::read(named.unwrap_or(beside)).unwrap();
    let vectors: Value = serde_json::from_slice(&text).unwrap();
    let mut tally = Tally::default();
    cookies::express(&mut tally, &vectors);
    cookies::fastify(&mut tally, &vectors);
    bodies::reserved(&mut tally, &vectors);
    bodies::stores(&mut tally, &vectors);
    koa::all(&mut tally, &vectors);
    node_session::all(&mut tally, &vectors);
    tally.finish();
}
