//! Reads a history and finds what must never have happened.

mod content;
mod ids;
mod items;
mod life;

use std::{collections::BTreeMap, fmt};

use crate::history::{LIFETIMES, LIFETIMES_OF_SKEWED_CLOCKS, Lifetimes, Op};

/// Something that must never happen, and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule is broken.
    pub rule: Rule,
    /// Of which session.
    pub session: u32,
    /// The operation that shows it.
    pub shown_by: Op,
}

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A write was acknowledged, and a later look does not find it.
    LostWrite,
    /// A session is gone, and nothing has ended it; or a write was dropped as if it were.
    LostSession,
    /// A write is there more than once.
    DoubleWrite,
    /// A write is there that did not find its session, or that was never made.
    PhantomWrite,
    /// What was seen once is not where it was.
    Rewritten,
    /// What was taken is there afterwards.
    TakenAndThere,
    /// Two requests got what only one may have.
    ClaimedTwice,
    /// A session was there after it had ended, or after it was seen to be gone.
    Resurrected,
    /// A session was there after its time.
    Overdue,
    /// An id was served that a log-in or a renewal had replaced.
    RevivedId,
    /// An id was given out twice.
    IdGivenTwice,
    /// Under a session's id there was another.
    Strange,
}

impl Rule {
    fn sentence(self) -> &'static str {
        match self {
            Self::LostWrite => "a write was acknowledged and is lost",
            Self::LostSession => "a session is gone that nothing has ended",
            Self::DoubleWrite => "a write was applied twice",
            Self::PhantomWrite => "a write is there that was refused or never made",
            Self::Rewritten => "what was seen once is not where it was",
            Self::TakenAndThere => "what was taken is there afterwards",
            Self::ClaimedTwice => "two requests got what only one may have",
            Self::Resurrected => "a session was there after its end",
            Self::Overdue => "a session was there after its time",
            Self::RevivedId => "an id was served that had been replaced",
            Self::IdGivenTwice => "an id was given out twice",
            Self::Strange => "another session was under a session's id",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}: {}; shown by {:?}", self.session, self.rule.sentence(), self.shown_by)
    }
}

/// Finds every violation in a history, whatever the order of its operations.
pub fn check(history: &[Op]) -> Vec<Violation> {
    let mut sessions: BTreeMap<u32, Vec<&Op>> = BTreeMap::new();
    for op in history {
        sessions.entry(op.session).or_default().push(op);
    }
    let clocks = Clocks::of(history);
    let mut violations = ids::given_twice(history);
    for mut ops in sessions.into_values() {
        ops.sort_by_key(|op| op.asked);
        violations.extend(content::check(&ops));
        violations.extend(items::check(&ops));
        violations.extend(life::check(&ops, clocks));
        violations.extend(ids::check(&ops, clocks));
    }
    violations
}

/// How the processes of a history told the time.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    /// How many microseconds they were apart at most.
    apart: u64,
}

impl Clocks {
    fn of(history: &[Op]) -> Self {
        let skews = || history.iter().map(|op| op.skew);
        let (least, most) = (skews().min().unwrap_or_default(), skews().max().unwrap_or_default());
        Self { apart: most.abs_diff(least).saturating_mul(1_000_000) }
    }

    const fn differ(self) -> bool {
        self.apart > 0
    }

    /// How long the sessions lived.
    const fn lifetimes(self) -> Lifetimes {
        if self.differ() { LIFETIMES_OF_SKEWED_CLOCKS } else { LIFETIMES }
    }
}

fn violation(rule: Rule, op: &Op) -> Violation {
    Violation { rule, session: op.session, shown_by: op.clone() }
}
