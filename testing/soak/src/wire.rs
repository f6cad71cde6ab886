//! What the drive and a worker say to each other: a line of JSON each.

use serde::{Deserialize, Serialize};

use crate::history::{Action, Content};

/// An order to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) session: u32,
    pub(crate) action: Action,
    /// The `Cookie` header.
    pub(crate) cookie: Option<String>,
    /// From what a new id is to be drawn first. Two orders may have the same: the store must then refuse one of them.
    pub(crate) chance: Option<u64>,
    /// Whether the changes are saved before the request commits.
    pub(crate) saves: bool,
}

/// A worker's answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) number: u64,
    pub(crate) result: Outcome,
}

/// What a worker says happened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The cookie to set, as `name=value`.
    Done(Option<String>),
    Seen(Content),
    Got(Vec<u32>),
    Missing,
    Dropped,
    Failed(String),
}

/// What a worker says when it has opened its store.
pub(crate) const READY: &str = "ready";

/// The user of a session.
pub(crate) fn user(session: u32) -> String {
    format!("user-{session}")
}
