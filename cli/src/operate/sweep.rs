//! Removes expired records now.

use clap::Args;

use super::open::open;
use super::{StoreArgs, say};
use crate::trouble::Trouble;
use crate::{progress, stores};

/// How many records a step removes, so that it never holds a store for long.
const STEP: usize = 1_000;

/// The options of `cloakroom sweep`.
#[derive(Args)]
#[command(after_help = stores::URL_HELP)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    store: StoreArgs,
}

/// Removes what has expired, as an application does in the background; no live session is touched.
pub(crate) async fn run(args: SweepArgs) -> Result<(), Trouble> {
    let sessions = open(&args.store).await?;
    let store = sessions.engine.store().clone();
    let Some(sweep) = store.capabilities().sweep else {
        let place = &sessions.place;
        say(&format!(
            "nothing to do: the sessions are kept {place}, and the server removes what has expired"
        ))?;
        return sessions.close().await;
    };
    let bar = progress::bar(None, "expired records removed");
    let mut removed = 0;
    loop {
        let swept = sweep.sweep(STEP).await;
        let swept = swept.map_err(|error| Trouble::failure("cannot sweep the store").because(&error))?;
        removed += swept.removed;
        bar.inc(swept.removed as u64);
        if !swept.more {
            break;
        }
    }
    bar.finish_and_clear();
    say(&format!("{removed} expired records removed"))?;
    drop(store);
    sessions.close().await
}
