//! What one request knows about its session, has changed, and has decided: plain data, without a lock or a store.

mod commit_input;
mod header_changes;
mod intent;
mod location;
mod plain_write;
#[expect(clippy::module_inception, reason = "the type that the folder is about")]
mod state;

pub(crate) use crate::session::{Trash, WorkingCopy};
pub(crate) use commit_input::{
    Attempt, CommitInput, CommitResult, NeedsSecrets, RequestFacts, Stamp, Verdict, replay,
};
pub(crate) use header_changes::HeaderChanges;
pub(crate) use intent::{Ending, Intent, IntentKind, Login};
pub(crate) use location::{Located, Location};
pub(crate) use plain_write::PlainWrite;
pub(crate) use state::{Cookie, Landed, State};
