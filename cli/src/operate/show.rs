//! Shows one session.

use std::fmt::Write;

use clap::Args;
use cloakroom_tower::cloakroom::format::{MemberKind, Members};
use cloakroom_tower::{FoundSession, PublicId};
use serde_json::{Value, json};

use super::open::{Sessions, open};
use super::output::printable;
use super::pages::Pages;
use super::{OutputArgs, StoreArgs, failed, moment, output, say};
use crate::stores;
use crate::trouble::Trouble;

/// The options of `cloakroom show`.
#[derive(Args)]
#[command(after_help = stores::URL_HELP)]
pub(crate) struct ShowArgs {
    /// The public id of the session, as `cloakroom list` prints it
    #[arg(value_name = "PUBLIC_ID", allow_hyphen_values = true)]
    id: PublicId,

    #[command(flatten)]
    store: StoreArgs,

    /// Looks among the sessions of this user only, which is quicker
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// Also shows the values, which may be secret; without it, their names and sizes
    #[arg(long)]
    values: bool,

    #[command(flatten)]
    output: OutputArgs,
}

/// Shows the facts of a session, and what it holds.
pub(crate) async fn run(args: ShowArgs) -> Result<(), Trouble> {
    let sessions = open(&args.store).await?;
    let found = find(&sessions, args.user.as_deref(), &args.id).await?;
    let members = sessions.engine.all_sessions().values(&found).await;
    let members = members.map_err(|error| failed("read the session", &error))?;
    let members = members.ok_or_else(|| no_session(&args.id))?;
    if args.output.json {
        let mut shown = output::json(&found.info);
        shown["values"] = as_json(&members, args.values);
        say(&shown.to_string())?;
    } else {
        say(text(&found, &members, args.values).trim_end())?;
    }
    sessions.close().await
}

/// Finds a session by its public id, or says that there is no such session.
pub(super) async fn find(
    sessions: &Sessions,
    user: Option<&str>,
    id: &PublicId,
) -> Result<FoundSession, Trouble> {
    let pages = Pages::new(sessions, user, "find a session by its public id").await?;
    pages.find(id).await?.ok_or_else(|| no_session(id))
}

fn no_session(id: &PublicId) -> Trouble {
    Trouble::failure(format!("there is no session {id}: it has ended or expired, or is kept elsewhere"))
}

fn text(found: &FoundSession, members: &Members, values: bool) -> String {
    let info = &found.info;
    let name = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), printable);
    let facts = [
        ("session", info.public_id.to_string()),
        ("user", name(&info.user)),
        ("device", name(&info.device)),
        ("began", moment(info.started_at)),
        ("logged in", info.authenticated_at.map_or_else(|| "-".to_owned(), moment)),
        ("last used", moment(info.last_seen)),
        ("ends", format!("{} unless it is used again", moment(info.expires_at))),
    ];
    let mut text = String::new();
    for (name, value) in facts {
        let _ = writeln!(text, "{name:10} {value}");
    }
    for member in members.iter().filter(|member| is_shown(member.kind)) {
        let value = String::from_utf8_lossy(member.value);
        let shown = if values { printable(&value) } else { format!("{} bytes", member.value.len()) };
        let flash = if matches!(member.kind, MemberKind::Flash { .. }) { " (flash)" } else { "" };
        let _ = writeln!(text, "  {}{flash}: {shown}", printable(member.key));
    }
    text
}

/// Returns the values by their names, or their sizes.
fn as_json(members: &Members, values: bool) -> Value {
    let shown = members.iter().filter(|member| is_shown(member.kind)).map(|member| {
        let value = if values {
            serde_json::from_slice(member.value).unwrap_or_default()
        } else {
            json!({ "bytes": member.value.len() })
        };
        (member.key.to_owned(), value)
    });
    Value::Object(shown.collect())
}

/// The device is among the facts; what another package keeps beside the values is not shown: its cookie may be in it.
const fn is_shown(kind: MemberKind) -> bool {
    matches!(kind, MemberKind::Value | MemberKind::Flash { .. })
}
