//! One commit under way.

use std::collections::HashMap;

use cloakroom::Timestamp;
use cloakroom::store::StoreKey;

use super::operation::Sent;
use crate::plan::{Fate, Found, Mind, Want};

/// One commit under way.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) began: Timestamp,
    /// The session that holds the changes, as this request knows it then, and what it took.
    pub(super) applied: Option<(Found, Sent)>,
    /// The id that it made.
    pub(super) made: Option<StoreKey>,
    /// This request removed the session's record.
    pub(super) ended: bool,
    pub(super) faults: usize,
    /// One of them was a write's, which may or may not have taken effect.
    pub(super) uncertain: bool,
    /// What the request had decided when it began.
    pub(super) planned: Fate,
    pub(super) want: Want,
    /// What the record under the new id holds that nobody knows yet.
    pub(super) pending: Option<(StoreKey, Sent)>,
    /// What it tried to create, as it was sent first.
    pub(super) created: HashMap<StoreKey, Sent>,
    /// It removed what it had created.
    pub(super) taken_back: bool,
}

impl Batch {
    pub(super) fn new(began: Timestamp, mind: &Mind) -> Self {
        let (planned, want) = (mind.fate, mind.want());
        let (applied, made, pending) = (None, None, None);
        let (ended, uncertain) = (false, false);
        let created = HashMap::new();
        Self {
            began,
            applied,
            made,
            ended,
            faults: 0,
            uncertain,
            planned,
            want,
            pending,
            created,
            taken_back: false,
        }
    }
}
