//! What one request knows about its session and has changed: data only, without locks and without waiting.
//!
//! Everything here that runs under the state's mutex runs no code of the application: no closure, no iterator, no
//! `Serialize`, no `Drop` of a closure. The two methods that run closures say so:
//! [`WorkingCopy::rebase`] and [`WorkingCopy::committed`].

mod change;
mod change_log;
mod flash;
pub(crate) mod json;
mod key_index;
mod working_copy;

pub(crate) use change::{Change, Claim, Effect, Op, Seen, Target, Updater, run_updater, share_updater};
pub(crate) use working_copy::{Trash, WorkingCopy};
