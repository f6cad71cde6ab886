//! Errors of bodies.

use std::{error, fmt};

/// Tells why a body, or a part of it, cannot be used. It never contains content of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// The text ends too early, like a file that is being written. An empty text is `Truncated`.
    Truncated,
    /// The text is not JSON, or not UTF-8, from this byte on.
    Syntax {
        /// The byte offset, from 0.
        at: usize,
    },
    /// The text is JSON, but an array, a string, a number, `true`, `false` or `null`.
    NotAnObject,
    /// The body has no `cookie` object, for which express-session answers 500.
    NoCookie,
    /// A member has another type than its package writes.
    WrongKind,
    /// The body is longer than the limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("body ends too early"),
            Self::Syntax { at } => write!(f, "body is not JSON at byte {at}"),
            Self::NotAnObject => f.write_str("body is not a JSON object"),
            Self::NoCookie => f.write_str("body has no cookie object"),
            Self::WrongKind => f.write_str("a member of the body has an unexpected type"),
            Self::TooLarge { limit } => write!(f, "body is longer than {limit} bytes"),
        }
    }
}

impl error::Error for BodyError {}
