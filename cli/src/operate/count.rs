//! Counts sessions.

use clap::Args;

use super::open::open;
use super::pages::Pages;
use super::{StoreArgs, say};
use crate::stores;
use crate::trouble::Trouble;

/// The options of `cloakroom count`.
#[derive(Args)]
#[command(after_help = stores::URL_HELP)]
pub(crate) struct CountArgs {
    #[command(flatten)]
    store: StoreArgs,

    /// Only the sessions of this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

/// Counts the live sessions by going through them: records that lead from old ids do not count.
pub(crate) async fn run(args: CountArgs) -> Result<(), Trouble> {
    let sessions = open(&args.store).await?;
    let mut pages = Pages::new(&sessions, args.user.as_deref(), "count sessions").await?;
    let mut count = 0;
    while let Some(page) = pages.next().await? {
        count += page.sessions.len();
    }
    say(&count.to_string())?;
    drop(pages);
    sessions.close().await
}
