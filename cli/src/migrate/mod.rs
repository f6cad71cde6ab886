//! Moves the live sessions of one store to another, while they are used.

mod node;
pub(crate) mod question;
mod side;
mod tally;
mod walk;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use cloakroom_tower::store::{Error, ErrorKind, Store};
use cloakroom_tower::stores::MigratingStore;

use crate::signals::Signals;
use crate::trouble::Trouble;
use crate::{progress, span, stores};
use node::NodeArgs;
use side::Side;
use tally::Tally;
use walk::Walk;

/// What the options do not say.
const AFTER_HELP: &str = "\
Meanwhile, every process that serves must use both stores (`MigratingStore` in an application, `--migrating-from` in the \
playground), or none may serve. It can be interrupted at any moment, killed too, and started again: it goes on with what is \
left. Records are read back and compared. What stays in the old store are marks, which expire an hour after their sessions.

A store with ?layout=NAME is one of a Node package, such as redis://HOST?layout=connect-redis. No application of Node may use it \
any more. Its sessions move to a store of our own format, where a Rust application goes on with the cookies of the package, and \
back: see docs/moving-from-express.md.";

/// The options of `cloakroom migrate`.
#[derive(Args)]
#[command(after_help = format!("{AFTER_HELP}\n\n{}", stores::URL_HELP))]
pub(crate) struct MigrateArgs {
    /// The store to empty, as for `cloakroom demo --store`
    #[arg(value_name = "FROM")]
    from: String,

    /// The store to fill
    #[arg(value_name = "TO")]
    to: String,

    /// How many records move at once
    #[arg(long, value_name = "N", default_value = "32")]
    parallel: NonZeroUsize,

    /// How long to wait for a store that does not answer
    #[arg(long, value_name = "SPAN", default_value = "60s", value_parser = span::parse)]
    patience: Duration,

    /// Goes on without asking if FROM holds no sessions
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    node: NodeArgs,
}

/// Moves all records, then those that came meanwhile, until none is left.
pub(crate) async fn run(args: MigrateArgs) -> Result<(), Trouble> {
    let mut signals = Signals::catch()?;
    if stores::are_the_same(&args.from, &args.to)? {
        return Err(Trouble::usage("FROM and TO are the same store"));
    }
    let old = Side::open_source(&args.from, &args.node).await?;
    let total = total(&*old.store).await?;
    if total == Some(0) && !args.yes {
        question::go_on_without_sessions(&old.place)?;
    }
    let new = Side::open(&args.to, &args.node).await?;
    let bar = progress::bar(total, "records");
    let walk = Walk {
        store: MigratingStore::write_through(old.store, new.store.clone()),
        new: new.store,
        old_form: old.form,
        new_form: new.form,
        parallel: args.parallel.get(),
        patience: args.patience,
        bar: bar.clone(),
    };
    let tally = tokio::select! {
        tally = whole(Arc::new(walk)) => tally?,
        () = signals.next() => {
            bar.abandon();
            return Err(Trouble::failure("interrupted; the same command goes on with what is left"));
        }
    };
    bar.finish_and_clear();
    // If the output is closed, the exit code still tells.
    let _ = writeln!(io::stdout(), "{tally}");
    tally.verdict()
}

/// Counts what is in the old store, marks of an earlier migration too; `None` if there is too much to be counted in time.
async fn total(old: &dyn Store) -> Result<Option<u64>, Trouble> {
    let Some(scan) = old.capabilities().scan else {
        return Err(Trouble::usage("the store to empty cannot go through its records"));
    };
    match scan.count().await {
        Ok(count) => Ok(Some(count)),
        // It may be that only the count is too much for it: going through it will tell.
        Err(error) if error.kind() == ErrorKind::Unavailable => Ok(None),
        Err(error) => Err(stopped(&error)),
    }
}

/// Goes through the old store until a whole round finds nothing to move, then finishes what others began. Gives up when
/// rounds find as much as the ones before: another process writes there as fast as it is emptied.
async fn whole(walk: Arc<Walk>) -> Result<Tally, Trouble> {
    let (mut all, mut before) = (Tally::default(), u64::MAX);
    loop {
        let round = walk.round().await.map_err(|error| stopped(&error))?;
        all.add(&round);
        if round.moved == 0 {
            break;
        }
        if round.moved > before / 2 {
            all.unfinished = true;
            break;
        }
        before = round.moved;
        walk.bar.set_message("once more, for what came meanwhile");
    }
    walk.finish().await.map_err(|error| stopped(&error))?;
    Ok(all)
}

fn stopped(error: &Error) -> Trouble {
    Trouble::failure("a store failed; the same command goes on with what is left").because(error)
}
