//! The notes: what was asked, when, and what was answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One operation, from the moment before it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// The session that it is about, as the drive numbers them; not an id.
    pub session: u32,
    /// What was asked for.
    pub action: Action,
    /// Which id was presented; `None` where the operation needs none. Numbered, as an id is a secret.
    pub id: Option<u32>,
    /// Microseconds since the drive began, before it was sent.
    pub asked: u64,
    /// Microseconds since the drive began, when it was answered, or when its process was dead.
    pub done: u64,
    /// What was answered; `None` if the process was killed first.
    pub answer: Option<Answer>,
}

/// What a request does to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Begins the session.
    Create,
    /// Looks at it.
    Read,
    /// Appends a tag that nobody else has to its list, and adds one to its counter.
    Add(u32),
    /// Gives it a fresh id.
    Renew,
    /// Logs its user in.
    LogIn,
    /// Logs out.
    LogOut,
    /// Logs its user out everywhere.
    Revoke,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is done and will stay so; this id was given to the client, if it needs another.
    Done {
        /// The id.
        id: Option<u32>,
    },
    /// The session is there, and holds this.
    Seen(Content),
    /// No such session is under that id.
    Missing,
    /// The session ended meanwhile, so nothing was done.
    Dropped,
    /// Something went wrong. Nobody knows whether anything was done.
    Failed(String),
}

/// What a session holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The session's number, which its creation put there.
    pub session: u32,
    /// The tags that were appended.
    pub tags: Vec<u32>,
    /// How many there are, counted apart.
    pub count: i64,
}

/// How long a session lives, in every worker.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Without being looked at.
    pub idle: Duration,
    /// In any case, from its beginning or its log-in.
    pub absolute: Duration,
    /// How long an old id is excused after a renewal.
    pub grace: Duration,
}

/// Long enough for overlapping operations on a busy machine, short enough to see sessions expire.
pub const LIFETIMES: Lifetimes = Lifetimes {
    idle: Duration::from_secs(4),
    absolute: Duration::from_secs(8),
    grace: Duration::from_secs(1),
};

impl Op {
    /// Whether this was over before `other` was asked for.
    pub fn precedes(&self, other: &Self) -> bool {
        self.done < other.asked
    }

    /// What kind of answer it got, in a word.
    pub fn kind_of_answer(&self) -> &'static str {
        match &self.answer {
            None => "killed",
            Some(Answer::Done { .. }) => "done",
            Some(Answer::Seen(_)) => "seen",
            Some(Answer::Missing) => "missing",
            Some(Answer::Dropped) => "dropped",
            Some(Answer::Failed(_)) => "failed",
        }
    }

    /// The id that it gave to the client.
    pub fn gave(&self) -> Option<u32> {
        match &self.answer {
            Some(Answer::Done { id }) => *id,
            _ => None,
        }
    }

    /// Whether it is known to be done.
    pub fn is_done(&self) -> bool {
        matches!(self.answer, Some(Answer::Done { .. }))
    }

    /// Whether it is known that nothing was done.
    pub fn is_void(&self) -> bool {
        matches!(self.answer, Some(Answer::Missing | Answer::Dropped))
    }

    /// Whether the session was there for it.
    pub fn met_the_session(&self) -> bool {
        matches!(self.answer, Some(Answer::Done { .. } | Answer::Seen(_))) && self.action != Action::Revoke
    }
}
