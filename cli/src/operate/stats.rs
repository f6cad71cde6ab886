//! Figures about the sessions of a store.

use clap::Args;
use cloakroom_tower::SessionInfo;
use cloakroom_tower::store::{Capabilities, Timestamp};
use serde_json::{Value, json};

use super::open::open;
use super::pages::Pages;
use super::{OutputArgs, StoreArgs, moment, say};
use crate::stores;
use crate::trouble::Trouble;

/// The options of `cloakroom stats`.
#[derive(Args)]
#[command(after_help = stores::URL_HELP)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// What was counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stats {
    sessions: u64,
    logged_in: u64,
    /// Used within the last five minutes, hour and day.
    used: [u64; 3],
    /// Which end within the next hour and day, unless they are used.
    ending: [u64; 2],
    oldest: Option<Timestamp>,
    redirects: u64,
    unreadable: u64,
    payload_bytes: u64,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Stats {
    fn add(&mut self, info: &SessionInfo, now: Timestamp) {
        self.sessions += 1;
        self.logged_in += u64::from(info.user.is_some());
        for (count, span) in self.used.iter_mut().zip([5 * MINUTE, HOUR, DAY]) {
            *count += u64::from(now.since(info.last_seen).as_secs() < span);
        }
        for (count, span) in self.ending.iter_mut().zip([HOUR, DAY]) {
            *count += u64::from(info.expires_at.since(now).as_secs() < span);
        }
        self.oldest = Some(self.oldest.map_or(info.started_at, |oldest| oldest.min(info.started_at)));
    }

    fn rows(&self) -> Vec<(&'static str, Value)> {
        let average = self.payload_bytes.checked_div(self.sessions + self.redirects + self.unreadable);
        vec![
            ("sessions", json!(self.sessions)),
            ("logged_in", json!(self.logged_in)),
            ("anonymous", json!(self.sessions - self.logged_in)),
            ("used_within_5_minutes", json!(self.used[0])),
            ("used_within_an_hour", json!(self.used[1])),
            ("used_within_a_day", json!(self.used[2])),
            ("ending_within_an_hour", json!(self.ending[0])),
            ("ending_within_a_day", json!(self.ending[1])),
            ("oldest_began", json!(self.oldest.map(moment))),
            ("redirects_of_old_ids", json!(self.redirects)),
            ("unreadable_records", json!(self.unreadable)),
            ("payload_bytes", json!(self.payload_bytes)),
            ("payload_bytes_on_average", json!(average)),
        ]
    }
}

/// Returns what a store can do for an operator, and what it cannot.
fn abilities(can: Capabilities<'_>) -> Value {
    json!({
        "finds_sessions_by_user": can.owners.is_some(),
        "needs_sweeping": can.sweep.is_some(),
        "tells_the_time": can.server_clock.is_some(),
    })
}

/// Goes through all sessions and counts.
pub(crate) async fn run(args: StatsArgs) -> Result<(), Trouble> {
    let sessions = open(&args.store).await?;
    let mut pages = Pages::new(&sessions, None, "go through the sessions").await?;
    let (mut stats, now) = (Stats::default(), Timestamp::now());
    while let Some(page) = pages.next().await? {
        page.sessions.iter().for_each(|found| stats.add(&found.info, now));
        stats.redirects += page.redirects;
        stats.unreadable += page.unreadable;
        stats.payload_bytes += page.payload_bytes;
    }
    drop(pages);
    let mut rows = stats.rows();
    if let Value::Object(can) = abilities(sessions.engine.store().capabilities()) {
        let names = ["finds_sessions_by_user", "needs_sweeping", "tells_the_time"];
        rows.extend(names.map(|name| (name, can[name].clone())));
    }
    if args.output.json {
        say(&Value::Object(rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            .to_string())?;
    } else {
        for (name, value) in rows {
            let value = match value {
                Value::Null => "-".to_owned(),
                Value::String(text) => text,
                Value::Bool(yes) => if yes { "yes" } else { "no" }.to_owned(),
                other => other.to_string(),
            };
            say(&format!("{:26} {value}", name.replace('_', " ")))?;
        }
    }
    sessions.close().await
}
