//! Ends sessions, so that they never come back.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{ArgGroup, Args};
use cloakroom_tower::{Event, PublicId};
use indicatif::ProgressBar;

use super::open::{Sessions, open_with};
use super::output::printable;
use super::pages::Pages;
use super::show::find;
use super::{StoreArgs, failed, say};
use crate::trouble::Trouble;
use crate::{progress, stores};

/// What the options do not say.
const AFTER_HELP: &str = "\
A session that was ended never comes back, whatever requests are under way: they lose their changes. With --user and --all, \
log-ins that began before are refused too, where the store finds the sessions of a user. Sessions that begin meanwhile stay.";

/// The options of `cloakroom revoke`.
#[derive(Args)]
#[command(after_help = format!("{AFTER_HELP}\n\n{}", stores::URL_HELP))]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["id", "user", "all"]))]
pub(crate) struct RevokeArgs {
    /// The public id of the session, as `cloakroom list` prints it
    #[arg(value_name = "PUBLIC_ID", allow_hyphen_values = true, conflicts_with = "all")]
    id: Option<PublicId>,

    #[command(flatten)]
    store: StoreArgs,

    /// Ends every session of this user; with a public id, looks for that among the user's only, which is quicker
    #[arg(long, value_name = "USER", conflicts_with = "all")]
    user: Option<String>,

    /// Ends every session of the store
    #[arg(long)]
    all: bool,

    /// Ends them without asking
    #[arg(long)]
    yes: bool,
}

/// Asks, and ends the sessions.
pub(crate) async fn run(args: RevokeArgs) -> Result<(), Trouble> {
    let bar = progress::bar(None, "sessions ended");
    let (ended, shown) = (Arc::new(AtomicU64::new(0)), bar.clone());
    let counted = ended.clone();
    let sessions = open_with(&args.store, move |event: &Event| {
        if let Event::Ended { count, .. } = event {
            shown.inc(*count);
            counted.fetch_add(*count, Ordering::Relaxed);
        }
    })
    .await?;
    let outcome = end(&sessions, &args, &bar).await;
    bar.finish_and_clear();
    let ended = ended.load(Ordering::Relaxed);
    match outcome {
        Err(trouble) if ended > 0 => Err(trouble.and(&format!("{ended} sessions were ended before that"))),
        Err(trouble) => Err(trouble),
        Ok(()) => {
            say(&format!("{ended} {} ended", if ended == 1 { "session" } else { "sessions" }))?;
            sessions.close().await
        }
    }
}

async fn end(sessions: &Sessions, args: &RevokeArgs, bar: &ProgressBar) -> Result<(), Trouble> {
    let failed = |error| failed("end the sessions", &error);
    if let Some(id) = &args.id {
        let found = find(sessions, args.user.as_deref(), id).await?;
        let user = found.info.user.as_deref().map_or_else(|| "no user".to_owned(), printable);
        confirm(args, &format!("the session {id} of {user}"))?;
        let ended = sessions.engine.all_sessions().revoke(&found).await.map_err(failed)?;
        return if ended { Ok(()) } else { Err(Trouble::failure("the session ended by itself meanwhile")) };
    }
    if let Some(user) = &args.user {
        let shown = printable(user);
        if sessions.has_owners() {
            confirm(args, &format!("every session of {shown}, {}", sessions.place))?;
            return sessions.engine.sessions().revoke_all(user).await.map(drop).map_err(failed);
        }
        sessions.can_scan("find the sessions of a user")?;
        confirm(args, &format!("every session of {shown}, {}", sessions.place))?;
        return end_one_by_one(sessions, user).await;
    }
    sessions.can_scan("find the sessions to end")?;
    let about = sessions.records().await.map_or_else(String::new, |count| format!(" ({count} records)"));
    confirm(args, &format!("EVERY session {}{about}", sessions.place))?;
    bar.tick();
    sessions.engine.all_sessions().revoke_all().await.map(drop).map_err(failed)
}

/// Ends the sessions of a user where the store keeps no index of users; until a look finds no more, as one whose id is
/// renewed moves to another key.
async fn end_one_by_one(sessions: &Sessions, user: &str) -> Result<(), Trouble> {
    loop {
        let (mut pages, mut ended) =
            (Pages::new(sessions, Some(user), "find the sessions of a user").await?, false);
        while let Some(page) = pages.next().await? {
            for found in page.sessions {
                let revoked = sessions.engine.all_sessions().revoke(&found).await;
                ended |= revoked.map_err(|error| failed("end the sessions", &error))?;
            }
        }
        if !ended {
            return Ok(());
        }
    }
}

/// Asks whether to go on. Without a terminal nothing goes on.
fn confirm(args: &RevokeArgs, what: &str) -> Result<(), Trouble> {
    if args.yes {
        return Ok(());
    }
    let mut input = io::stdin().lock();
    if !input.is_terminal() {
        return Err(Trouble::failure(format!("nothing was ended; with --yes it ends {what}")));
    }
    let _ = write!(io::stderr(), "End {what}? [y/N] ").and_then(|()| io::stderr().flush());
    if is_yes(&mut input) { Ok(()) } else { Err(Trouble::failure("nothing was ended")) }
}

fn is_yes(input: &mut impl BufRead) -> bool {
    crate::migrate::question::is_yes(input)
}
