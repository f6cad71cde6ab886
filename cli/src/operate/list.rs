//! Lists sessions.

use clap::Args;
use cloakroom_tower::PublicId;

use super::open::{Sessions, open};
use super::output::{TITLE, json, line};
use super::pages::Pages;
use super::{OutputArgs, StoreArgs};
use crate::stores;
use crate::trouble::Trouble;

/// The options of `cloakroom list`.
#[derive(Args)]
#[command(after_help = stores::URL_HELP)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    store: StoreArgs,

    /// Only the sessions of this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// Only the session of this public id
    #[arg(long, value_name = "PUBLIC_ID", allow_hyphen_values = true)]
    id: Option<PublicId>,

    /// Stops after so many sessions
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    #[command(flatten)]
    output: OutputArgs,
}

/// Lists the sessions as they are read.
pub(crate) async fn run(args: ListArgs) -> Result<(), Trouble> {
    let sessions = open(&args.store).await?;
    print(&sessions, &args).await?;
    sessions.close().await
}

async fn print(sessions: &Sessions, args: &ListArgs) -> Result<(), Trouble> {
    let mut pages = Pages::new(sessions, args.user.as_deref(), "list sessions").await?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    if !args.output.json {
        pages.say(TITLE)?;
    }
    while left > 0 {
        let Some(page) = pages.next().await? else { break };
        for found in page.sessions {
            if left == 0 || args.id.is_some_and(|id| id != found.info.public_id) {
                continue;
            }
            left -= 1;
            pages.say(&if args.output.json { json(&found.info).to_string() } else { line(&found.info) })?;
        }
    }
    Ok(())
}
