//! Errors of the wrapper.

use cloakroom_sealing::NoRandom;
use cloakroom_store::{Error, ErrorKind};

use crate::layout::Refused;

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let (kind, message) = match refused {
            Refused::Plain => (
                ErrorKind::Corrupt,
                "a record is not sealed, which only a store that is configured with `accept_plain` reads",
            ),
            Refused::Newer => (ErrorKind::Corrupt, "a record was sealed by a newer release"),
            Refused::UnknownKey => {
                (ErrorKind::Setup, "a record was sealed with a secret that is not among the keys")
            }
            Refused::Forged => {
                (ErrorKind::Corrupt, "a sealed record was changed, cut, or moved from another place")
            }
        };
        Self::new(kind, message)
    }
}

/// Nothing took effect, and asking again may help.
pub(crate) fn no_random(error: NoRandom) -> Error {
    Error::new(ErrorKind::Full, "a record cannot be sealed").with_source(error)
}

pub(crate) fn too_large(most: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("a payload has at most {most} bytes before it is sealed"))
}

pub(crate) fn looks_sealed() -> Error {
    Error::new(ErrorKind::Invalid, "the payload begins like a sealed one")
}
