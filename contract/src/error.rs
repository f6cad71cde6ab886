//! The errors of a store.

use std::error::Error as StdError;
use std::fmt;

/// The result of asking a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says that a store could not do as asked.
///
/// That a record is missing, expired or of another version is an answer, not an error. The message and the
/// source are for operators: neither may hold a key, a payload or a password, and neither is shown to a client.
pub struct Error {
    kind: ErrorKind,
    message: Box<str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store cannot be reached, is busy or did not answer in time. Asking again may help.
    /// **Whether the operation took effect is unknown.**
    Unavailable,
    /// The store has no room: a disk is full, a quota reached. Nothing took effect.
    Full,
    /// The record, or an argument, is larger than the store can keep. Nothing took effect.
    TooLarge,
    /// An argument can never be right: an empty key, an unknown option. Nothing took effect.
    Invalid,
    /// What the store holds cannot be read: a damaged file, a foreign table.
    Corrupt,
    /// The store is not set up: a missing table, a wrong password, a folder without permission. A person must act.
    Setup,
    /// Anything else. Whether the operation took effect is unknown.
    Other,
}

impl Error {
    /// Makes an error; `message` is a lowercase fragment that says what failed and, if known, what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into().into_boxed_str(), source: None }
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns what a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns whether the operation may have taken effect although no answer came.
    pub const fn is_uncertain(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Other)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &self.kind).field("message", &self.message);
        if let Some(source) = &self.source {
            shown.field("source", source);
        }
        shown.finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
