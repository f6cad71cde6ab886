//! What a request's handler does.

use std::fmt;

use crate::seeded::Wrong;

/// One line of a handler. Values are made of the line's own number, so that every write can be told from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Read(&'static str),
    ReadAll,
    Exists,
    Insert(&'static str),
    Remove(&'static str),
    Take(&'static str),
    Increment,
    Push,
    Update,
    Flash,
    Clear,
    RenewId,
    LogIn(&'static str),
    LogOut,
    Destroy,
    Reset,
    Discard,
    Save,
    /// Saves in another task of the same request, and goes on meanwhile.
    SaveBehind,
    Reload,
    /// Begins the idle time anew.
    Touch,
    /// Ends all sessions of the user; from an administrator's page, say.
    RevokeAll(&'static str),
    /// Ends all sessions of the user but this one.
    RevokeOthers,
    /// Does something else, so that other requests can be faster.
    Pause,
}

pub(crate) type Script = Vec<Step>;

/// What a case is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) rules: Rules,
    /// Requests of the same browser, one after the other, before anything overlaps.
    pub(crate) before: Vec<Script>,
    /// Requests of the same browser, at once.
    pub(crate) requests: Vec<Script>,
    /// Requests of other browsers, which bring no cookie, at the same time.
    pub(crate) strangers: Vec<Script>,
    /// How many operations may fail, lose their answer, or get it late.
    pub(crate) faults: usize,
    /// How many clients may go away.
    pub(crate) drops: usize,
    /// Leaps of the clock, in seconds.
    pub(crate) leaps: Vec<u64>,
    /// Whether every request is sent when the scheduler says so, with the cookie of that moment.
    pub(crate) sent_one_by_one: bool,
    /// Requests of another path of the browser, before anything overlaps: their cookie comes along with all others.
    pub(crate) beside: Vec<Script>,
    /// Whether that cookie is an older one of the same session, and not of another one.
    pub(crate) beside_is_the_same: bool,
    /// Whether that cookie comes first.
    pub(crate) beside_is_first: bool,
    /// How many seconds the clocks of the requests' machines are ahead; those behind the last one are right.
    pub(crate) skews: Vec<i64>,
}

/// The configuration, as far as it differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) renew_every: Option<u64>,
    /// The absolute lifetime is five minutes longer than the idle one.
    pub(crate) short_lives: bool,
    pub(crate) cap: Option<usize>,
    pub(crate) memory_store: bool,
    /// Clocks differ, and all times are long.
    pub(crate) skewed: bool,
    /// What is wrong with the store.
    pub(crate) wrong: Option<Wrong>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for script in &self.before {
            writeln!(f, "  before: {script:?}")?;
        }
        for (at, script) in self.requests.iter().enumerate() {
            writeln!(f, "  r{}: {script:?}", self.beside.len() + self.before.len() + at + 1)?;
        }
        for (at, script) in self.strangers.iter().enumerate() {
            let number = self.beside.len() + self.before.len() + self.requests.len() + at + 1;
            writeln!(f, "  r{number}, of another browser: {script:?}")?;
        }
        for script in &self.beside {
            writeln!(
                f,
                "  before, for a cookie that comes {}: {script:?}",
                if self.beside_is_first { "first" } else { "last" }
            )?;
        }
        let Self { rules, faults, drops, leaps, sent_one_by_one, skews, .. } = self;
        write!(
            f,
            "  {rules:?}, {faults} faults, {drops} drops, leaps {leaps:?}, skews {skews:?}, one by one: {sent_one_by_one}"
        )
    }
}
