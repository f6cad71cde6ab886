//! `cargo xtask`: what CI and contributors run, in Rust, so that it is the same everywhere.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod api;
mod behaviours;
mod bench;
mod ci;
mod history;
mod layers;
mod licences;
mod links;
mod lint;
mod migration;
mod node;
mod release;
mod rows;
mod services;
mod setup;
mod shell;
mod test;
mod throughput;
mod trips;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What CI and contributors run.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs all tests; installs what they need where it may
    Test,
    /// Checks format, clippy, documentation, layers and licences
    Lint,
    /// Checks which crates depend on which
    Layers,
    /// Checks that every promised row has a test named after it
    Rows,
    /// Checks that public methods have examples, that types may grow, and that re-exports are listed by name
    Api,
    /// Checks that comments, messages and documents are in plain English
    Words,
    /// Checks that links between documents lead to files and headings that exist
    Links,
    /// Counts instructions, allocations and store trips per request
    Bench {
        /// Also measures how the cost grows with sessions and their size; takes minutes
        #[arg(long)]
        growth: bool,
    },
    /// Starts and stops the servers that tests of stores need
    #[command(subcommand)]
    Services(services::Services),
    /// Counts the trips to each store on the wire, and writes them into docs/trips.md
    Trips,
    /// Measures requests a second through Redis and PostgreSQL, against bare handlers
    Throughput,
    /// Hammers every store from processes that are killed, and checks what must never happen; takes ten minutes
    History {
        /// What `history all` takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Moves 100,000 sessions between Redis and PostgreSQL, both ways, under traffic and kills
    Migration {
        /// What the program takes: `--help` lists it
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Installs the packages of the Node applications whose sessions are shared in the tests
    Node,
    /// Checks that all crates could be published now; publishes nothing
    Release(release::Release),
    /// Does what CI does: lint, then test
    Ci,
}

impl Task {
    fn run(&self) -> shell::Result {
        match self {
            Self::Test => test::run(),
            Self::Lint => lint::run(),
            Self::Layers => layers::run(),
            Self::Rows => rows::run(),
            Self::Api => api::run(),
            Self::Words => words::run(),
            Self::Links => links::run(),
            Self::Bench { growth } => bench::run(*growth),
            Self::Services(services) => services.run(),
            Self::Trips => trips::run(),
            Self::Throughput => throughput::run(),
            Self::History { arguments } => history::run(arguments),
            Self::Migration { arguments } => migration::run(arguments),
            Self::Node => node::run(),
            Self::Release(release) => release.run(),
            Self::Ci => ci::run(),
        }
    }
}

fn main() -> ExitCode {
    match Arguments::parse().task.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error}");
            ExitCode::FAILURE
        }
    }
}
