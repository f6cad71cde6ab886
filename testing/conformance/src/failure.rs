//! The result of a case.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use cloakroom_store::Error;

/// The result of a case that did not fail. There are these two: a runner has to decide on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The store keeps the sentence.
    Kept,
    /// The sentence says nothing about this store, or cannot be tested on it; the words say why.
    NotApplicable(&'static str),
}

/// Says how a store broke a sentence of the contract.
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    message: String,
    at: &'static Location<'static>,
    source: Option<Error>,
}

/// The kinds of [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The store answered, and the answer is wrong.
    Answer,
    /// The store answered with an error; it is the [`source`](StdError::source).
    Error,
    /// The store panicked.
    Panic,
}

impl Failure {
    /// Returns what kind of failure it is.
    pub const fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Returns where in the suite's source the failure was found: there is one place for each step of a case.
    pub const fn at(&self) -> &'static Location<'static> {
        self.at
    }

    #[track_caller]
    pub(crate) fn answer(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Answer, message: message.into(), at: Location::caller(), source: None }
    }

    #[track_caller]
    pub(crate) fn panic() -> Self {
        Self {
            kind: FailureKind::Panic,
            message: "the store panicked".into(),
            at: Location::caller(),
            source: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.message, self.at.file(), self.at.line())
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl From<Error> for Failure {
    #[track_caller]
    fn from(source: Error) -> Self {
        Self {
            kind: FailureKind::Error,
            message: format!("an error where an answer was due: {source}"),
            at: Location::caller(),
            source: Some(source),
        }
    }
}

/// Why a case ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(Failure),
    NotApplicable(&'static str),
}

/// What a case answers with.
pub(crate) type Outcome<T = ()> = Result<T, Stop>;

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stop {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}
