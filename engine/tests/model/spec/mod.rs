//! The model: what the engine promises, without a store, a clock's race or a retry.
//!
//! It receives every operation that took effect, in the order in which they did, and what every call of a handler
//! answered. From the operations it takes only *when* something happened; *what* should have happened it works out
//! by itself, one request after the other.

mod answer;
mod batch;
mod creating;
mod ending;
mod life;
mod loading;
mod operation;
mod remains;
mod renewing;
mod request;
mod response;
mod updating;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom::store::{OwnerKey, StoreKey};
use cloakroom::{ManualClock, Timestamp};

use crate::gate::Actor;
use crate::plan::Sid;
use crate::script::Rules;

pub(crate) use answer::{Heard, Occasion};
use life::{Life, Place};
pub(crate) use operation::{Done, Sent};
use request::Request;
pub(crate) use request::{Call, Skew};

pub(crate) const GRACE: Duration = Duration::from_secs(10);
/// An hour, and one for clocks that differ.
const TOMBSTONE: Duration = Duration::from_secs(2 * 60 * 60);
const LONGEST_TRAIL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Rules {
    /// Where clocks differ by an hour, sessions live for longer than that.
    pub(crate) fn idle(self) -> Duration {
        if self.skewed { Duration::from_secs(24 * 3_600) } else { Duration::from_secs(30 * 60) }
    }

    pub(crate) fn absolute(self) -> Duration {
        match (self.short_lives, self.skewed) {
            (true, false) => self.idle() + Duration::from_secs(300),
            (_, false) => Duration::from_secs(12 * 3_600),
            (_, true) => Duration::from_secs(48 * 3_600),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct SharedModel(Arc<Mutex<Model>>);

impl SharedModel {
    pub(crate) fn new(clock: ManualClock, rules: Rules) -> Self {
        Self(Arc::new(Mutex::new(Model { clock, rules, ..Model::default() })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    clock: ManualClock,
    rules: Rules,
    sessions: Vec<Life>,
    places: HashMap<StoreKey, Place>,
    /// Every key that ever had a record.
    used: HashSet<StoreKey>,
    /// Records that were to be taken back, and the store did not answer: they expire by themselves.
    left_behind: HashSet<StoreKey>,
    revoked: HashMap<OwnerKey, Timestamp>,
    requests: HashMap<Actor, Request>,
    /// The ids that responses have told, and their names in the store.
    ids: HashMap<String, StoreKey>,
    /// The session that a key was made for.
    first_led_to: HashMap<StoreKey, Sid>,
    superseded_at: HashMap<StoreKey, u64>,
    operations: u64,
    pub(crate) violations: Vec<String>,
    pub(crate) trips: HashMap<Actor, usize>,
}

impl Model {
    pub(crate) fn violation(&mut self, actor: Actor, what: impl std::fmt::Display) {
        self.violations.push(format!("r{actor}: {what}"));
    }
}
