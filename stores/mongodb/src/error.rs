//! From the client's errors to the contract's kinds: the only place that maps them.

use cloakroom_store::{Error, ErrorKind};
use mongodb::error::{ErrorKind as Theirs, WriteFailure};

/// Why an operation failed.
///
/// Holds words of ours and the server's number: the client's own message could quote a key, or the URL's password.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    message: &'static str,
    pub(crate) code: Option<i32>,
}

impl Failure {
    pub(crate) const DAMAGED: Self =
        Self::new(ErrorKind::Corrupt, "a document is not as this version of the store writes it");
    pub(crate) const LATE: Self =
        Self::new(ErrorKind::Unavailable, "the server did not answer in time; is it reachable and healthy?");
    pub(crate) const CROWDED: Self =
        Self::new(ErrorKind::Unavailable, "others wrote the same record again and again");
    pub(crate) const STOPPED: Self =
        Self::new(ErrorKind::Other, "a task of the store stopped, because it panicked or the runtime ended");
    pub(crate) const NO_INDEX: Self = Self::new(
        ErrorKind::Setup,
        "an index of the collection is missing; open the store once with create_indexes(true), as a user who may",
    );
    pub(crate) const SECONDARY: Self = Self::new(
        ErrorKind::Invalid,
        "sessions are read from the primary, or an ended one could come back; drop readPreference from the url",
    );
    pub(crate) const UNACKNOWLEDGED: Self =
        Self::new(ErrorKind::Invalid, "a write must be acknowledged; the write concern w=0 does not");

    const fn new(kind: ErrorKind, message: &'static str) -> Self {
        Self { kind, message, code: None }
    }

    /// Returns what a number of the server's means, and what to do.
    pub(crate) fn of_code(code: i32) -> Self {
        let (kind, message) = explain(code);
        Self { kind, message, code: Some(code) }
    }

    /// Returns whether a server that is alone was asked what only a replica set knows.
    pub(crate) fn is_of_no_replica_set(&self) -> bool {
        self.code == Some(123)
    }

    /// Returns whether a document with this `_id` is there already.
    pub(crate) fn is_duplicate(&self) -> bool {
        self.code == Some(11000)
    }
}

impl From<mongodb::error::Error> for Failure {
    fn from(error: mongodb::error::Error) -> Self {
        use ErrorKind::{Invalid, Other, Setup, TooLarge, Unavailable};
        match &*error.kind {
            Theirs::Command(error) => Self::of_code(error.code),
            Theirs::Write(WriteFailure::WriteError(error)) => Self::of_code(error.code),
            Theirs::Write(WriteFailure::WriteConcernError(error)) => Self::of_write_concern(error.code),
            Theirs::Authentication { .. } => Self::new(Setup, WRONG_PASSWORD),
            Theirs::ServerSelection { .. } => Self::new(
                Unavailable,
                "no primary server can be reached; is the address right, and is one elected?",
            ),
            Theirs::Io(_) | Theirs::ConnectionPoolCleared { .. } => {
                Self::new(Unavailable, "the connection to the server was lost")
            }
            Theirs::DnsResolve { .. } => Self::new(Unavailable, "the server's name cannot be looked up"),
            Theirs::InvalidTlsConfig { .. } => {
                Self::new(Setup, "the certificates cannot be used; see tlsCAFile and tlsCertificateKeyFile")
            }
            Theirs::InvalidArgument { .. } => Self::new(
                Invalid,
                "the url or an option is wrong; a url looks like mongodb://user:password@host:27017/database",
            ),
            Theirs::IncompatibleServer { .. }
            | Theirs::InvalidResponse { .. }
            | Theirs::SessionsNotSupported => Self::new(
                Setup,
                "the server is too old or of another kind; the store needs MongoDB 4.4 or newer",
            ),
            Theirs::BsonSerialization(_) => Self::new(TooLarge, "larger than the server can keep"),
            Theirs::BsonDeserialization(_) | Theirs::Bson(_) => Self::DAMAGED,
            Theirs::Shutdown => Self::new(Other, "the client was shut down"),
            _ => Self::new(Other, "the server could not be queried"),
        }
    }
}

impl Failure {
    /// Makes the failure of a write that took effect on fewer servers, or less durably, than was asked for.
    pub(crate) fn of_write_concern(code: i32) -> Self {
        let message =
            "too few servers confirmed the write; are enough of them up? the write may be lost or kept";
        Self { kind: ErrorKind::Unavailable, message, code: Some(code) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.code {
            Some(code) => Self::new(failure.kind, format!("{} (code {code})", failure.message)),
            None => Self::new(failure.kind, failure.message),
        }
    }
}

const WRONG_PASSWORD: &str =
    "the server refused user and password; see also authSource and authMechanism in the url";

fn explain(code: i32) -> (ErrorKind, &'static str) {
    use ErrorKind::{Full, Other, Setup, TooLarge, Unavailable};
    match code {
        18 | 8000 => (Setup, WRONG_PASSWORD),
        13 => (Setup, "the user may not do this; the store needs the role readWrite on its database"),
        59 | 40324 | 168 => {
            (Setup, "the server is too old or of another kind; the store needs MongoDB 4.4 or newer")
        }
        85 | 86 => (
            Setup,
            "the collection has another index in place of ours, perhaps an earlier version's: drop it, or choose another collection",
        ),
        121 => {
            (Setup, "the collection has a rule of its own that refuses records; choose another collection")
        }
        166 => (Setup, "the name is a view or of another kind of collection; choose another collection"),
        10334 | 17419 | 17420 | 17280 => (TooLarge, "larger than the server can keep"),
        14031 | 12501 => (Full, "the server's disk is full, or a quota is reached"),
        10107 | 13435 | 13436 | 11602 | 189 | 10058 => {
            (Unavailable, "the server is no longer the primary; another is being elected")
        }
        11600 | 91 => (Unavailable, "the server is shutting down"),
        6 | 7 | 89 | 9001 | 24 | 43 | 50 | 112 | 134 | 262 => {
            (Unavailable, "the server was interrupted or busy")
        }
        64 | 100 | 79 => (Unavailable, "too few servers confirmed the write; are enough of them up?"),
        11000 => (Other, "a document with this name is there already"),
        _ => (Other, "the server could not do as asked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_a_caller_can_act_on_has_its_kind() {
        let kinds = [
            (18, ErrorKind::Setup),
            (13, ErrorKind::Setup),
            (59, ErrorKind::Setup),
            (85, ErrorKind::Setup),
            (121, ErrorKind::Setup),
            (10334, ErrorKind::TooLarge),
            (14031, ErrorKind::Full),
            (10107, ErrorKind::Unavailable),
            (189, ErrorKind::Unavailable),
            (91, ErrorKind::Unavailable),
            (11600, ErrorKind::Unavailable),
            (64, ErrorKind::Unavailable),
            (12345, ErrorKind::Other),
        ];
        for (code, kind) in kinds {
            assert_eq!(Failure::of_code(code).kind, kind, "code {code}");
        }
    }

    #[test]
    fn a_write_that_too_few_servers_confirmed_is_uncertain() {
        assert!(Error::from(Failure::of_write_concern(100)).is_uncertain());
    }

    #[test]
    fn an_error_repeats_nothing_of_the_clients_words() {
        let theirs = mongodb::error::Error::from(std::io::Error::other("mongodb://user:secret@host"));
        let error = Error::from(Failure::from(theirs));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
}
