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
use super::{OutputArgs, StoreArgs, moment};
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

/// What happened to a session between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Began,
    /// It was ended: it could have lived on.
    Ended,
    /// Its time was over.
    Expired,
}

/// A change, as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) change: Change,
    pub(crate) public_id: PublicId,
    pub(crate) user: Option<Box<str>>,
    /// Known only of a session that began.
    pub(crate) device: Option<String>,
}

/// What is remembered of a session from one look to the next.
#[derive(Debug)]
struct Known {
    user: Option<Box<str>>,
    expires_at: Timestamp,
    look: u64,
}

/// The sessions of the last look.
#[derive(Debug, Default)]
pub(crate) struct Look {
    known: HashMap<PublicId, Known>,
    number: u64,
}

/// Looks until a signal comes.
pub(crate) async fn run(args: WatchArgs) -> Result<(), Trouble> {
    let mut signals = Signals::catch()?;
    let sessions = open(&args.store).await?;
    let mut look = Look::default();
    loop {
        let changes = tokio::select! {
            changes = look.again(&sessions, args.user.as_deref()) => changes?,
            () = signals.next() => break,
        };
        if look.number == 1 && !args.output.json {
            super::say(&format!("watching {} sessions {}", look.known.len(), sessions.place))?;
        }
        changes.iter().try_for_each(|seen| tell(seen, args.output.json))?;
        if args.looks.is_some_and(|looks| look.number >= looks.get()) {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(args.every) => {}
            () = signals.next() => break,
        }
    }
    sessions.close().await
}

impl Look {
    /// Goes through the sessions, and returns what changed since the last look; at the first one nothing.
    pub(crate) async fn again(
        &mut self,
        sessions: &Sessions,
        user: Option<&str>,
    ) -> Result<Vec<Seen>, Trouble> {
        let (mut changes, number) = (Vec::new(), self.number + 1);
        let mut pages = Pages::silent(sessions, user, "watch sessions")?;
        while let Some(page) = pages.next().await? {
            for found in page.sessions {
                let SessionInfo { public_id, user, device, expires_at, .. } = found.info;
                let user: Option<Box<str>> = user.map(Into::into);
                let known = Known { user: user.clone(), expires_at, look: number };
                if self.known.insert(public_id, known).is_none() && number > 1 {
                    changes.push(Seen { change: Change::Began, public_id, user, device });
                }
            }
        }
        self.number = number;
        let now = Timestamp::now();
        let gone = self.known.extract_if(|_, known| known.look != number);
        changes.extend(gone.map(|(public_id, Known { user, expires_at, .. })| Seen {
            change: change(expires_at, now),
            public_id,
            user,
            device: None,
        }));
        Ok(changes)
    }
}

fn change(expires_at: Timestamp, now: Timestamp) -> Change {
    if expires_at <= now { Change::Expired } else { Change::Ended }
}

fn tell(seen: &Seen, as_json: bool) -> Result<(), Trouble> {
    let Seen { change, public_id, user, device } = seen;
    let word = match change {
        Change::Began => "began",
        Change::Ended => "ended",
        Change::Expired => "expired",
    };
    let at = Timestamp::now();
    if as_json {
        let line = json!({"at": at, "what": word, "public_id": public_id, "user": user, "device": device});
        return super::say(&line.to_string());
    }
    let user = user.as_deref().map_or_else(|| "-".to_owned(), printable);
    let device = device.as_deref().map_or_else(String::new, |device| format!("  {}", printable(device)));
    super::say(&format!("{}  {word:7}  {public_id}  {user}{device}", moment(at)))
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
