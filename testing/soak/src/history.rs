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
    /// How many seconds the clock of its process was ahead of the right time.
    #[serde(default)]
    pub skew: i64,
}

/// What a request does to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Begins the session.
    Create,
    /// Looks at it.
    Read,
    /// Appends a tag that is used once to its list, and adds one to its counter.
    Add(u32),
    /// Pushes an item to the queue.
    Put(u32),
    /// Takes the whole queue.
    TakeQueue,
    /// Sets the slot, whatever it holds.
    Fill(u32),
    /// Takes what the slot holds.
    TakeSlot,
    /// Sets a ticket, which is for one request.
    Issue(u32),
    /// Claims a ticket.
    Claim(u32),
    /// Pushes an item to the list that is edited by index.
    Append(u32),
    /// Sets the item at some index of that list; appends where the list is empty.
    Replace(u32),
    /// Takes the item at some index of that list.
    Remove,
    /// Gives it a fresh id.
    Renew,
    /// Logs its user in.
    LogIn,
    /// Logs out.
    LogOut,
    /// Logs its user out everywhere.
    Revoke,
}

/// What was answered.
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
    /// It is done, and these items were handed to the client: the ones that it took, or replaced.
    Got(Vec<u32>),
    /// No such session is under that id.
    Missing,
    /// The session ended meanwhile, so nothing was done.
    Dropped,
    /// Something went wrong. It is not known whether anything was done.
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
    /// The items of the queue.
    #[serde(default)]
    pub queue: Vec<u32>,
    /// What the slot holds: one item or none.
    #[serde(default)]
    pub slot: Vec<u32>,
    /// The tickets that are not claimed.
    #[serde(default)]
    pub tickets: Vec<u32>,
    /// The items of the list that is edited by index.
    #[serde(default)]
    pub list: Vec<u32>,
}

/// How long a session lives, in every worker.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Without being looked at.
    pub idle: Duration,
    /// In any case, from its beginning or its log-in.
    pub absolute: Duration,
    /// How long an old id is served after a renewal.
    pub grace: Duration,
}

/// Long enough for overlapping operations on a busy machine, short enough to see sessions expire.
pub const LIFETIMES: Lifetimes = Lifetimes {
    idle: Duration::from_secs(4),
    absolute: Duration::from_secs(8),
    grace: Duration::from_secs(1),
};

/// The same where clocks differ by hours: no session runs out while it is driven.
pub const LIFETIMES_OF_SKEWED_CLOCKS: Lifetimes = Lifetimes {
    idle: Duration::from_secs(6 * 3_600),
    absolute: Duration::from_secs(12 * 3_600),
    grace: Duration::from_secs(1),
};

impl Op {
    /// Returns whether this was over before `other` was asked for.
    pub fn precedes(&self, other: &Self) -> bool {
        self.done < other.asked
    }

    /// Returns what kind of answer it got, in a word.
    pub fn kind_of_answer(&self) -> &'static str {
        match &self.answer {
            None => "killed",
            Some(Answer::Done { .. }) => "done",
            Some(Answer::Seen(_)) => "seen",
            Some(Answer::Got(_)) => "got",
            Some(Answer::Missing) => "missing",
            Some(Answer::Dropped) => "dropped",
            Some(Answer::Failed(_)) => "failed",
        }
    }

    /// Returns the id that it gave to the client.
    pub fn gave(&self) -> Option<u32> {
        match &self.answer {
            Some(Answer::Done { id }) => *id,
            _ => None,
        }
    }

    /// Returns whether it is known to be done.
    pub fn is_done(&self) -> bool {
        matches!(self.answer, Some(Answer::Done { .. } | Answer::Got(_)))
    }

    /// Returns whether it may have taken place at any time since it was asked for, or never.
    pub fn is_uncertain(&self) -> bool {
        matches!(self.answer, None | Some(Answer::Failed(_)))
    }

    /// Returns the ids that it handed to the client, if they are known.
    pub fn got(&self) -> Option<&[u32]> {
        match &self.answer {
            Some(Answer::Got(items)) => Some(items),
            _ => None,
        }
    }

    /// Returns whether this and `other` may have been under way at once. An operation without an answer may arrive later.
    pub fn overlaps(&self, other: &Self) -> bool {
        let may_follow = |one: &Self, two: &Self| one.is_uncertain() || one.done > two.asked;
        may_follow(self, other) && may_follow(other, self)
    }

    /// Returns whether it is known that nothing was done.
    pub fn is_void(&self) -> bool {
        matches!(self.answer, Some(Answer::Missing | Answer::Dropped))
    }

    /// Returns whether the session was there when it was carried out.
    pub fn met_the_session(&self) -> bool {
        (self.is_done() || matches!(self.answer, Some(Answer::Seen(_)))) && self.action != Action::Revoke
    }
}
