//! What operators do with the sessions of a store: list, show, count, revoke and sweep them, and watch them come and go.

mod count;
mod layouts;
mod list;
mod node;
mod open;
mod output;
mod pages;
mod revoke;
mod show;
mod stats;
mod sweep;
mod watch;

use std::io::{self, Write};

use clap::Args;
use cloakroom_tower::store::Timestamp;
use cloakroom_tower::{Error, ErrorKind};

use crate::trouble::Trouble;

pub(crate) use count::{CountArgs, run as count};
pub(crate) use list::{ListArgs, run as list};
pub(crate) use open::{Sessions, open};
pub(crate) use output::printable;
pub(crate) use revoke::{RevokeArgs, run as revoke};
pub(crate) use show::{ShowArgs, run as show};
pub(crate) use stats::{StatsArgs, run as stats};
pub(crate) use sweep::{SweepArgs, run as sweep};
pub(crate) use watch::{Change, Look, WatchArgs, run as watch};

/// Where the sessions are.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// The store, as for `cloakroom demo --store`; with `layout=PACKAGE`, the sessions of that package of Node, with
    /// `layout=cloakroom` our own
    #[arg(long = "store", value_name = "URL")]
    url: String,
}

/// How a result is printed.
#[derive(Args)]
pub(crate) struct OutputArgs {
    /// Prints JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// A failure of the engine, while this was done.
fn failed(doing: &str, error: &Error) -> Trouble {
    let sentence = format!("cannot {doing}");
    let trouble = if error.kind() == ErrorKind::Invalid {
        Trouble::usage(sentence)
    } else {
        Trouble::failure(sentence)
    };
    trouble.because(error)
}

/// Writes a line to the standard output. A reader that has gone, such as `head`, ends the command without a complaint.
fn say(line: &str) -> Result<(), Trouble> {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Trouble::failure("nothing can be written").because(&error)),
    }
}

/// Formats a moment to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    if at >= Timestamp::NEVER {
        return "never".to_owned();
    }
    let text = at.to_string();
    format!("{}Z", text.split('.').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_to_the_second() {
        assert_eq!(moment(Timestamp::from_millis(1_767_225_600_500)), "2026-01-01T00:00:00Z");
        assert_eq!(moment(Timestamp::NEVER), "never");
    }
}
