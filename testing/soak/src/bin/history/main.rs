//! The command `history`: drives a store, checks a history.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod every;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use cloakroom_services::Service;
use cloakroom_soak::{
    Fault, Result, Violation, check,
    history::Op,
    run::{Place, Settings, run},
    worker,
};

/// Hammers a store from several processes and checks the history for what must never happen
#[derive(Parser)]
#[command(name = "history")]
enum Arguments {
    /// Drives a store and checks what came of it
    Run(Run),
    /// Drives every store, one after the other, and prints a table
    All {
        /// How many operations on each
        #[arg(long, default_value_t = 20_000)]
        operations: usize,
        /// Where chance begins
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Checks a history that was kept
    Check {
        /// The file
        file: PathBuf,
    },
    /// Carries out orders from stdin
    #[command(hide = true)]
    Worker {
        #[arg(long)]
        store: String,
        #[arg(long)]
        fault: Option<Fault>,
        /// By how many seconds its clock is ahead
        #[arg(long, allow_hyphen_values = true)]
        skew: Option<i64>,
    },
}

#[derive(clap::Args)]
struct Run {
    /// The store's URL
    #[arg(long, required_unless_present = "service")]
    store: Option<String>,
    /// Instead of a URL: a server that is started for it, and may be killed
    #[arg(long, value_parser = named, conflicts_with = "store")]
    service: Option<Service>,
    /// A fast server in front of that
    #[arg(long, value_parser = named, requires = "service")]
    fast: Option<Service>,
    /// How many operations
    #[arg(long, default_value_t = 20_000)]
    operations: usize,
    /// How many sessions at a time
    #[arg(long, default_value_t = 50)]
    sessions: usize,
    /// How many processes
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// How many times a process is killed
    #[arg(long, default_value_t = 20)]
    client_kills: usize,
    /// How many times the server is killed
    #[arg(long, default_value_t = 0)]
    server_kills: usize,
    /// By how many seconds the processes' clocks are wrong at most; sessions then live for hours
    #[arg(long, default_value_t = 0)]
    skew: u32,
    /// What is to go wrong
    #[arg(long)]
    fault: Option<Fault>,
    /// Where chance begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to keep the history
    #[arg(long)]
    keep: Option<PathBuf>,
}

fn named(name: &str) -> std::result::Result<Service, String> {
    Service::named(name).ok_or_else(|| "no such service".to_owned())
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Arguments::parse() {
        Arguments::Run(arguments) => drive(arguments).await,
        Arguments::All { operations, seed } => match env::current_exe() {
            Ok(program) => every::drive(program, operations, seed).await,
            Err(error) => Err(error.into()),
        },
        Arguments::Check { file } => read(&file).map(|history| report(&history)),
        Arguments::Worker { store, fault, skew } => worker::work(&store, fault, skew).await.map(|()| true),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::from(2)
        }
    }
}

async fn drive(arguments: Run) -> Result<bool> {
    let store = match (arguments.store, arguments.fast, arguments.service) {
        (Some(url), ..) => Place::Url(url),
        (None, Some(fast), Some(durable)) => Place::Tiers { fast, durable },
        (None, None, Some(service)) => Place::Service(service),
        (None, _, None) => return Err("which store?".into()),
    };
    let settings = Settings {
        program: env::current_exe()?,
        store,
        operations: arguments.operations,
        sessions: arguments.sessions,
        workers: arguments.workers,
        client_kills: arguments.client_kills,
        server_kills: arguments.server_kills,
        waits: true,
        skew: arguments.skew,
        fault: arguments.fault,
        seed: arguments.seed,
    };
    let ran = run(settings).await?;
    println!(
        "{} operations in {:.1} s; {} processes and {} servers were killed",
        ran.history.len(),
        ran.took.as_secs_f64(),
        ran.client_kills,
        ran.server_kills
    );
    if let Some(file) = &arguments.keep {
        keep(&ran.history, file)?;
    }
    Ok(report(&ran.history))
}

/// Says what is in a history and what is wrong with it; whether nothing is.
fn report(history: &[Op]) -> bool {
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for op in history {
        *answers.entry(op.kind_of_answer()).or_default() += 1;
    }
    println!("answers: {answers:?}");
    let violations = check(history);
    let mut rules: BTreeMap<_, Vec<&Violation>> = BTreeMap::new();
    for violation in &violations {
        rules.entry(violation.rule).or_default().push(violation);
    }
    for (rule, violations) in &rules {
        println!("{rule:?}: {} times, the first:", violations.len());
        if let Some(first) = violations.first() {
            println!("    {first}");
        }
    }
    if violations.is_empty() {
        println!("nothing happened that must not");
    }
    violations.is_empty()
}

fn keep(history: &[Op], file: &Path) -> Result {
    let mut writer = BufWriter::new(fs::File::create(file)?);
    for op in history {
        writeln!(writer, "{}", serde_json::to_string(op)?)?;
    }
    Ok(writer.flush()?)
}

fn read(file: &Path) -> Result<Vec<Op>> {
    fs::read_to_string(file)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
