//! Watches sessions begin and end, by looking at all of them again and again.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;
use cloakroom_tower::store::Timestamp;
use cloakroom_tower::{PublicId, SessionInfo};
use serde_json::json;

use super::open::{Sessions, open};
use super::output::printable;
use super::pages::Pages;
use super::{OutputArgs, StoreArgs, moment, output};
use crate::signals::Signals;
use crate::trouble::Trouble;
use crate::{span, stores};

/// What the options do not say.
const AFTER_HELP: &str = "\
A session that begins and ends between two looks is not seen. Each look goes through all sessions, or those of the user: for \
very many, choose a longer --every. Ends at a signal.";

/// The options of `cloakroom watch`.
#[derive(Args)]
#[command(after_help = format!("{AFTER_HELP}\n\n{}", stores::URL_HELP))]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    store: StoreArgs,

    /// Only the sessions of this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// How long between two looks
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = span::parse)]
    every: Duration,

    /// Ends after so many looks
    #[arg(long, value_name = "N")]
    looks: Option<NonZeroU64>,

    #[command(flatten)]
    output: OutputArgs,
}

/// What is remembered of a session from one look to the next.
struct Seen {
    user: Option<Box<str>>,
    expires_at: Timestamp,
    look: u64,
}

/// What happened to a session between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Began,
    /// It was ended: it could have lived on.
    Ended,
    /// Its time was over.
    Expired,
}

/// Looks until a signal comes.
pub(crate) async fn run(args: WatchArgs) -> Result<(), Trouble> {
    let mut signals = Signals::catch()?;
    let sessions = open(&args.store).await?;
    let (mut known, mut look) = (HashMap::new(), 0);
    while args.looks.is_none_or(|looks| look < looks.get()) {
        look += 1;
        tokio::select! {
            looked = take_a_look(&sessions, &args, &mut known, look) => looked?,
            () = signals.next() => break,
        }
        if args.looks.is_some_and(|looks| look == looks.get()) {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(args.every) => {}
            () = signals.next() => break,
        }
    }
    sessions.close().await
}

/// Goes through the sessions once. What is there at the first look is counted only.
async fn take_a_look(
    sessions: &Sessions,
    args: &WatchArgs,
    known: &mut HashMap<PublicId, Seen>,
    look: u64,
) -> Result<(), Trouble> {
    let mut pages = Pages::new(sessions, args.user.as_deref(), "watch sessions").await?;
    while let Some(page) = pages.next().await? {
        for found in page.sessions {
            let (info, is_first) = (found.info, look == 1);
            if note(known, &info, look) && !is_first {
                tell(args, Change::Began, &info.public_id, info.user.as_deref(), info.device.as_deref())?;
            }
        }
    }
    if look == 1 && !args.output.json {
        super::say(&format!("watching {} sessions {}", known.len(), sessions.place))?;
    }
    for (id, seen) in gone(known, look) {
        tell(args, change(seen.expires_at, Timestamp::now()), &id, seen.user.as_deref(), None)?;
    }
    Ok(())
}

/// Notes a session, and returns whether it is new.
fn note(known: &mut HashMap<PublicId, Seen>, info: &SessionInfo, look: u64) -> bool {
    let seen = Seen { user: info.user.clone().map(Into::into), expires_at: info.expires_at, look };
    known.insert(info.public_id, seen).is_none()
}

/// Takes out what this look has not seen.
fn gone(known: &mut HashMap<PublicId, Seen>, look: u64) -> Vec<(PublicId, Seen)> {
    known.extract_if(|_, seen| seen.look != look).collect()
}

fn change(expires_at: Timestamp, now: Timestamp) -> Change {
    if expires_at <= now { Change::Expired } else { Change::Ended }
}

fn tell(
    args: &WatchArgs,
    change: Change,
    id: &PublicId,
    user: Option<&str>,
    device: Option<&str>,
) -> Result<(), Trouble> {
    let (word, at) = (
        match change {
            Change::Began => "began",
            Change::Ended => "ended",
            Change::Expired => "expired",
        },
        Timestamp::now(),
    );
    if args.output.json {
        let seen = json!({"at": at, "what": word, "public_id": id, "user": user, "device": device});
        return super::say(&seen.to_string());
    }
    let user = user.map_or_else(|| "-".to_owned(), output::printable);
    let device = device.map_or_else(String::new, |device| format!("  {}", printable(device)));
    super::say(&format!("{}  {word:7}  {id}  {user}{device}", moment(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_before_its_time_is_distinguished_from_an_expiry() {
        let now = Timestamp::from_millis(1_000);
        assert_eq!(change(Timestamp::from_millis(1_001), now), Change::Ended);
        assert_eq!(change(now, now), Change::Expired);
    }
}
