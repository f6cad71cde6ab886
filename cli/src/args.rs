//! The command line.

use clap::{Parser, Subcommand};

use crate::check::CheckArgs;
use crate::demo::DemoArgs;
use crate::explain::ExplainArgs;
use crate::migrate::MigrateArgs;

/// HTTP sessions that never lose a write and never come back from the dead.
/// Without a command it prints this.
#[derive(Parser)]
#[command(name = "cloakroom", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the command can do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves a playground: try a session with a browser or with curl.
    Demo(Box<DemoArgs>),
    /// Tests whether a store keeps the contract, in a part of it that nothing else uses.
    Check(CheckArgs),
    /// Moves the live sessions of one store to another, while they are used.
    Migrate(MigrateArgs),
    /// Says which package made a cookie, whether it is signed well, and what its session holds.
    Explain(ExplainArgs),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
