//! Counts the trips that a request makes to each store, on the wire: how often the playground speaks to its server
//! after the server has spoken. etcd counts its answers itself. Prints the table of `docs/trips.md`.
//!
//! Run by `cargo xtask trips`, which starts the servers and gives the path of the playground.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod browser;
mod counter;
mod playground;
mod scenario;
mod table;

use std::env;
use std::process::ExitCode;

use cloakroom_services::{Result, Service};

use counter::Counter;
use playground::Playground;
use scenario::Scenario;
use table::Row;

/// One server each: the proxy cannot stand in front of several that tell each other's addresses.
const STORES: [(&str, Service); 7] = [
    ("Redis", Service::Redis),
    ("PostgreSQL", Service::Postgres),
    ("MariaDB", Service::Mariadb),
    ("MongoDB", Service::Mongodb),
    ("memcached", Service::Memcached),
    ("etcd", Service::Etcd),
    ("DynamoDB", Service::Dynamodb),
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result {
    let program = env::args().nth(1).ok_or("the path of the playground is missing")?;
    let mut rows = Vec::new();
    for (name, service) in STORES {
        let counter = Counter::of(service)?;
        rows.push(Row {
            name,
            trips: measure(&program, &counter).map_err(|error| format!("{name}: {error}"))?,
        });
    }
    print!("{}", table::markdown(&rows));
    Ok(())
}

/// The trips of every scenario, in their order; none where the store lacks the capability.
fn measure(program: &str, counter: &Counter) -> Result<Vec<Option<usize>>> {
    let usual = Playground::start(program, &counter.url(), "0.1")?;
    let always_due = Playground::start(program, &counter.url(), "0")?;
    Scenario::ALL
        .iter()
        .map(|scenario| {
            let playground = if scenario.touches() { &always_due } else { &usual };
            match scenario.trips(playground, counter) {
                Err(error) if error.to_string().contains(r#""kind":"unsupported""#) => Ok(None),
                counted => counted.map(Some),
            }
        })
        .collect()
}
