//! The command line.

use clap::{Parser, Subcommand};

use crate::admin::AdminArgs;
use crate::check::CheckArgs;
use crate::demo::DemoArgs;
use crate::explain::ExplainArgs;
use crate::migrate::MigrateArgs;
use crate::operate::{CountArgs, ListArgs, RevokeArgs, ShowArgs, StatsArgs, SweepArgs, WatchArgs};

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
    /// Lists the sessions of a store, or of a user: public ids, never ids.
    List(ListArgs),
    /// Shows one session; its values only on request.
    Show(ShowArgs),
    /// Counts the live sessions of a store, or of a user.
    Count(CountArgs),
    /// Ends one session, those of a user, or all; they never come back.
    Revoke(RevokeArgs),
    /// Removes expired records now.
    Sweep(SweepArgs),
    /// Prints sessions as they begin and end.
    Watch(WatchArgs),
    /// Serves a page for operators: who is online, endings, and a button that ends a session.
    Admin(Box<AdminArgs>),
    /// Prints figures about the sessions of a store.
    Stats(StatsArgs),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn ids_cookies_and_secrets_may_begin_with_a_hyphen() {
        for beginning in ["-A", "--", "-d", "-h", "-V", "-y"] {
            let id = format!("{beginning}{}", "A".repeat(20));
            let id = id.as_str();
            for arguments in [
                &["show", id, "--store", "file:sessions"][..],
                &["show", "--store", "file:sessions", id, "--values"],
                &["revoke", "--store", "file:sessions", "--yes", id],
                &["revoke", id, "--user", "alice", "--store", "file:sessions"],
                &["list", "--id", id, "--store", "file:sessions"],
                &["explain", id, "--secret", id],
                &["demo", "--secret", id],
            ] {
                let parsed = Args::try_parse_from([&["cloakroom"], arguments].concat());
                assert!(parsed.is_ok(), "{arguments:?}: {}", parsed.err().unwrap());
            }
        }
        assert!(Args::try_parse_from(["cloakroom", "revoke", "--store", "file:sessions", "--al"]).is_err());
    }
}
