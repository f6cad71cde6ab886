//! A suite for stores of bodies: each case is a sentence about [`BodyStore`].
//!
//! ```no_run
//! # use cloakroom_conformance::bodies::{self, Harness};
//! # async fn test(harness: Harness) {
//! bodies::all(&harness).await.unwrap();
//! # }
//! ```

mod cases;
mod walking;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom_store::{BodyStore, ManualClock, Result, Timestamp, async_trait};

use crate::failure::{Failure, Outcome, Stop, Verdict};

/// What the other package does with the bodies, without versions and marks.
#[async_trait]
pub trait OtherPackage: fmt::Debug + Send + Sync {
    /// Writes a body under `id`, whatever is there.
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()>;

    /// Returns whether there is a body under `id`.
    async fn finds(&self, id: &str) -> Result<bool>;
}

/// How a layout rounds an expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rounding {
    /// Up to whole seconds, of whole milliseconds.
    Up,
    /// To the nearest second.
    Nearest,
    /// Not at all, or to whole milliseconds.
    Exact,
}

/// Whose clock decides what has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// The store's: the suite moves it.
    OurClock,
    /// The server's: the suite looks at the expiry and does not wait for it.
    ServersClock,
}

/// A store of bodies to test.
#[derive(Debug)]
pub struct Harness {
    store: Arc<dyn BodyStore>,
    clock: ManualClock,
    other: Arc<dyn OtherPackage>,
    rounding: Rounding,
    expiry: Expiry,
    keeps_spelling: bool,
    tag: u64,
    made: AtomicU64,
}

impl Harness {
    /// Takes a store that goes by `clock`, and what the other package does in the same place.
    pub fn new(store: impl BodyStore, clock: ManualClock, other: impl OtherPackage + 'static) -> Self {
        Self {
            store: Arc::new(store),
            clock,
            other: Arc::new(other),
            rounding: Rounding::Up,
            expiry: Expiry::OurClock,
            keeps_spelling: true,
            tag: RandomState::new().hash_one(0),
            made: AtomicU64::new(0),
        }
    }

    /// Sets how the layout rounds an expiry; up to whole seconds unless set.
    #[must_use]
    pub fn rounding(mut self, rounding: Rounding) -> Self {
        self.rounding = rounding;
        self
    }

    /// Sets whose clock decides what has expired; the store's unless set.
    #[must_use]
    pub fn expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = expiry;
        self
    }

    /// Sets whether the layout keeps bodies as texts; `true` unless set. If not, the sentence about their bytes does not apply:
    /// a document has values, without spaces, repeated names or digits beyond those of its numbers.
    #[must_use]
    pub fn keeps_spelling(mut self, kept: bool) -> Self {
        self.keeps_spelling = kept;
        self
    }

    /// Returns an id that nothing has used before.
    fn id(&self) -> String {
        format!("{:016x}-{}", self.tag, self.made.fetch_add(1, Ordering::Relaxed))
    }

    fn soon(&self) -> Timestamp {
        self.clock_now() + Duration::from_secs(600)
    }

    fn clock_now(&self) -> Timestamp {
        cloakroom_store::Clock::now(&self.clock)
    }

    /// Returns what an expiry is after the layout has rounded it.
    fn rounded(&self, moment: Timestamp) -> Timestamp {
        let millis = moment.as_millis();
        match self.rounding {
            Rounding::Up => Timestamp::from_millis(millis.div_ceil(1_000) * 1_000),
            Rounding::Nearest => Timestamp::from_millis((millis + 500) / 1_000 * 1_000),
            Rounding::Exact => moment,
        }
    }
}

/// Runs every case, one after the other. The clock is moved and not set back.
///
/// # Errors
/// The sentences that the store breaks, a line each.
pub async fn all(harness: &Harness) -> Result<(), String> {
    let verdicts = run(harness, |_| true).await.into_iter();
    let broken = verdicts.filter_map(|(name, verdict)| Some(format!("{name}: {}", verdict.err()?)));
    let broken: Vec<_> = broken.collect();
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

/// Runs the cases whose name is `chosen`, which is asked before each, and returns what each came to, by its name.
pub async fn run(harness: &Harness, chosen: impl Fn(&'static str) -> bool) -> Verdicts {
    let outcomes = cases::run(harness, chosen).await.into_iter();
    let verdict = |outcome| match outcome {
        Ok(()) => Ok(Verdict::Kept),
        Err(Stop::NotApplicable(reason)) => Ok(Verdict::NotApplicable(reason)),
        Err(Stop::Failed(failure)) => Err(failure),
    };
    outcomes.map(|(name, outcome)| (name, verdict(outcome))).collect()
}

/// What cases came to, by their names.
pub type Verdicts = Vec<(&'static str, Result<Verdict, Failure>)>;

/// What all cases answer, by name.
type Outcomes = Vec<(&'static str, Outcome)>;
