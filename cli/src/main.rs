//! The `cloakroom` command: a playground for HTTP sessions, and what operators of stores need.

mod admin;
mod args;
mod check;
mod demo;
mod explain;
mod migrate;
mod operate;
mod progress;
mod renamed;
mod signals;
mod span;
mod stores;
mod trouble;

use std::io::Write;
use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;
use trouble::Trouble;

fn main() -> ExitCode {
    match renamed::check_options(std::env::args_os()).and_then(|()| run(Args::parse().command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            // If stderr is closed, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "error: {trouble}");
            trouble.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::failure(format!("no threads to serve with: {error}")))?;
    match command {
        Command::Demo(args) => runtime.block_on(demo::run(*args)),
        Command::Check(args) => runtime.block_on(check::run(args)),
        Command::Migrate(args) => runtime.block_on(migrate::run(args)),
        Command::Explain(args) => runtime.block_on(explain::run(args)),
        Command::Admin(args) => runtime.block_on(admin::run(*args)),
        Command::List(args) => runtime.block_on(operate::list(args)),
        Command::Show(args) => runtime.block_on(operate::show(args)),
        Command::Count(args) => runtime.block_on(operate::count(args)),
        Command::Revoke(args) => runtime.block_on(operate::revoke(args)),
        Command::Sweep(args) => runtime.block_on(operate::sweep(args)),
        Command::Watch(args) => runtime.block_on(operate::watch(args)),
        Command::Stats(args) => runtime.block_on(operate::stats(args)),
    }
}
