//! The command `migration`: moves many sessions between two servers, under traffic and kills.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cloakroom_services::Service;
use cloakroom_soak::Result;
use cloakroom_soak::migration::{Settings, run};

/// Moves many sessions between Redis and PostgreSQL, both ways, under traffic and kills
#[derive(Parser)]
#[command(name = "migration")]
struct Arguments {
    /// The command `cloakroom`, built with both stores
    #[arg(long)]
    program: PathBuf,
    /// How many sessions there are at first
    #[arg(long, default_value_t = 100_000)]
    sessions: u32,
    /// How many of them are used while they move
    #[arg(long, default_value_t = 4_000)]
    used: usize,
    /// How many clients act at once
    #[arg(long, default_value_t = 8)]
    at_once: usize,
    /// How often the migration is killed
    #[arg(long, default_value_t = 12)]
    kills: u32,
    /// How often a playground is killed
    #[arg(long, default_value_t = 4)]
    playground_kills: u32,
    /// Where chance begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match both_ways(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether nothing was found that must not be.
async fn both_ways(arguments: Arguments) -> Result<bool> {
    let mut is_well = true;
    for (from, to) in [(Service::Redis, Service::Postgres), (Service::Postgres, Service::Redis)] {
        let report = run(Settings {
            program: arguments.program.clone(),
            from,
            to,
            sessions: arguments.sessions,
            used: arguments.used,
            at_once: arguments.at_once,
            kills: arguments.kills,
            playground_kills: arguments.playground_kills,
            seed: arguments.seed,
            say: |line| println!("{line}"),
        });
        let report = report.await?;
        println!("\n{report}\n");
        is_well &= report.wrong.is_empty();
    }
    Ok(is_well)
}
