//! One commit under way.

use std::collections::HashSet;

use cloakroom::Timestamp;
use cloakroom::store::StoreKey;

use super::operation::Sent;
use crate::plan::{Fate, Found, Mind, Want};

/// One commit under way. It is about what the request knew and had decided when it began, whatever follows meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) began: Timestamp,
    /// What the request had decided when it began.
    pub(super) sent: Sent,
    pub(super) planned: Fate,
    pub(super) want: Want,
    /// The session that the request saw when it began.
    pub(super) seen: Found,
    /// The session that holds the changes, as this request knows it then, and what it took.
    pub(super) applied: Option<(Found, Sent)>,
    /// The id that it made.
    pub(super) made: Option<StoreKey>,
    /// This request removed the session's record.
    pub(super) ended: bool,
    /// What it found when it looked for the session.
    pub(super) looked: Option<Found>,
    pub(super) faults: usize,
    /// One of them was a write's, which may or may not have taken effect.
    pub(super) uncertain: bool,
    /// What the record under the new id holds, which no client knows yet.
    pub(super) pending: Option<(StoreKey, Sent)>,
    /// What it tried to create.
    pub(super) created: HashSet<StoreKey>,
    /// It removed what it had created.
    pub(super) taken_back: bool,
}

impl Batch {
    pub(super) fn new(began: Timestamp, mind: &Mind) -> Self {
        Self {
            began,
            sent: Sent::of(mind),
            planned: mind.fate,
            want: mind.want(),
            seen: mind.place.clone(),
            applied: None,
            made: None,
            ended: false,
            looked: None,
            faults: 0,
            uncertain: false,
            pending: None,
            created: HashSet::new(),
            taken_back: false,
        }
    }
}
