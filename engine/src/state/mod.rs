//! What one request knows about its session, has changed, and has decided: plain data, without a lock or a store.
//!
//! Code that runs under the state's mutex calls no code of the application: no closure, no iterator, no
//! `Serialize`, no `Drop` of a closure. The two methods that run closures say so:
//! [`WorkingCopy::rebase`] and [`WorkingCopy::committed`].

mod change;
mod change_log;
mod commit_input;
mod commit_result;
mod flash;
mod header_changes;
mod intent;
pub(crate) mod json;
mod key_index;
mod location;
mod observe;
mod plain_write;
mod secrets;
#[expect(clippy::module_inception, reason = "the type that the folder is about")]
mod state;
mod unsettled;
mod upgrade;
mod working_copy;

pub(crate) use change::{Change, Claim, Effect, Op, Seen, Target, Updater, run_updater, share_updater};
pub(crate) use commit_input::{Attempt, CommitInput, NeedsSecrets, RequestFacts, Stamp};
pub(crate) use commit_result::{CommitResult, Verdict};
pub(crate) use header_changes::HeaderChanges;
pub(crate) use intent::{Ending, Intent, IntentKind, Login};
pub(crate) use location::{Located, Location};
pub(crate) use plain_write::PlainWrite;
pub(crate) use state::{Cookie, CookieLifetime, Landed, Saving, State};
pub(crate) use working_copy::{Trash, WorkingCopy};
