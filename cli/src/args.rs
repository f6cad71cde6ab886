//! The command line.

use clap::{Parser, Subcommand};

use crate::check::CheckArgs;
use crate::demo::DemoArgs;
use crate::migrate::MigrateArgs;

/// HTTP sessions that never lose a write and never come back from the dead.
///
/// Without a command it does what `demo` does.
#[derive(Parser)]
#[command(name = "cloakroom", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: DemoArgs,
}

/// What the command can do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves a playground: try a session with a browser or with curl.
    Demo(DemoArgs),
    /// Tests whether a store keeps the contract, in a part of it that nobody else uses.
    Check(CheckArgs),
    /// Moves the live sessions of one store to another, while they are used.
    Migrate(MigrateArgs),
}

impl Args {
    pub(crate) fn command(self) -> Command {
        self.command.unwrap_or(Command::Demo(self.demo))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
