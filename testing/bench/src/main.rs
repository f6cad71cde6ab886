//! Counts what a session costs a request: instructions and allocations under valgrind, store trips by a counting store.
//!
//! `table` runs every scenario of every variant N and 2N times under callgrind and dhat; the difference over N is what one
//! request costs, and the difference to the bare handler is what the session costs.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod apps;
mod data;
mod floor;
mod growth;
mod measure;
mod scenario;
mod table;
mod trips;

use clap::{Parser, Subcommand};
use scenario::{Scenario, Variant};

/// What a session costs a request.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures everything and prints the table. Needs valgrind.
    Table,
    /// Runs one scenario; what the table measures.
    Run {
        /// Which application.
        variant: Variant,
        /// What its requests do.
        scenario: Scenario,
        /// How many requests.
        times: u32,
    },
    /// Counts store trips only.
    Trips,
    /// Measures how the cost of a request grows with the number of sessions and the size of one. Takes minutes.
    Growth,
    /// Runs one scenario among other sessions and values; what the growth curves measure.
    Grown {
        /// What the requests do.
        scenario: Scenario,
        #[command(flatten)]
        size: growth::Size,
        /// How many requests.
        times: u32,
    },
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Options::parse().command {
        Command::Table => println!("{}", table::print(&measure::all()?, &trips::all()?)),
        Command::Run { variant, scenario, times } => scenario::run(variant, scenario, times)?,
        Command::Growth => println!("{}", growth::print()?),
        Command::Grown { scenario, size, times } => growth::run(scenario, size, times)?,
        Command::Trips => println!("{}", table::print_trips(&trips::all()?)),
    }
    Ok(())
}
