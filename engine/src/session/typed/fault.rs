//! Why a session cannot be read or written as a type of the application's.

use std::fmt;

use crate::Error;

/// Why a session cannot be read or written as a type of the application's.
#[derive(Debug)]
pub(super) enum Fault {
    /// A field that the session has no value for.
    Missing(&'static str),
    /// One value is at fault.
    Value(Error),
    /// The type itself is. Serde's message may quote values, and is not kept.
    Type,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "there is no value for the field {field:?}"),
            Self::Value(error) => error.fmt(f),
            Self::Type => f.write_str("the session is not of this type"),
        }
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Type
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

impl serde::ser::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Type
    }
}
