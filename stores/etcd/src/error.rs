//! From the codes of gRPC, and etcd's words beside them, to the contract's kinds of error: the only place that maps them.

use std::error::Error as _;
use std::{io, iter};

use cloakroom_store::{Error, ErrorKind};
use tonic::{Code, ConnectError, Status};

/// Why an operation failed. Holds words of ours: the server's could quote what it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    message: &'static str,
    reason: Reason,
}

/// What the store itself can do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Other,
    LeaseGone,
    TokenGone,
    /// The member did not answer, or could not: another one may.
    Member,
    /// The same, and nothing was sent to it.
    Unsent,
}

impl Failure {
    pub(crate) const DAMAGED: Self =
        Self::new(ErrorKind::Corrupt, "a value is not as this version of the store writes it");
    pub(crate) const NO_RANDOMNESS: Self =
        Self::new(ErrorKind::Unavailable, "the operating system gave no random number");
    pub(crate) const LATE: Self = Self {
        kind: ErrorKind::Unavailable,
        message: "the server did not answer in time; is it reachable and healthy?",
        reason: Reason::Member,
    };
    /// No connection came about.
    const UNREACHABLE: Self = Self {
        kind: ErrorKind::Unavailable,
        message: "the server cannot be reached",
        reason: Reason::Unsent,
    };
    /// There was one, and TLS did not come about on it.
    const UNTRUSTED: Self = Self {
        kind: ErrorKind::Setup,
        message: "no encrypted connection: the server's certificate is not one of an authority that is trusted, or \
                  names another host, or it does not speak tls; or the server wants a certificate of the client",
        reason: Reason::Unsent,
    };
    pub(crate) const CROWDED: Self =
        Self::new(ErrorKind::Unavailable, "others wrote the same record again and again");
    pub(crate) const STOPPED: Self =
        Self::new(ErrorKind::Other, "a task of the store stopped, because it panicked or the runtime ended");
    pub(crate) const WRONG_URL: Self = Self::new(
        ErrorKind::Invalid,
        "a url looks like etcd://host:2379, etcd://user:password@host,host or, for TLS, etcds://host",
    );
    pub(crate) const WRONG_CERTIFICATE: Self =
        Self::new(ErrorKind::Invalid, "the certificate is not one in PEM, or the url is not one with TLS");
    pub(crate) const WRONG_PREFIX: Self =
        Self::new(ErrorKind::Invalid, "a prefix has between 1 and 128 bytes");

    const fn new(kind: ErrorKind, message: &'static str) -> Self {
        Self { kind, message, reason: Reason::Other }
    }

    /// Returns whether a lease that the store remembers has ended. Nothing took effect.
    pub(crate) fn is_lease_gone(&self) -> bool {
        self.reason == Reason::LeaseGone
    }

    /// Returns whether another member may do better.
    pub(crate) fn is_the_members(&self) -> bool {
        matches!(self.reason, Reason::Member | Reason::Unsent)
    }

    /// Returns whether the request has certainly reached no server.
    pub(crate) fn is_unsent(&self) -> bool {
        self.reason == Reason::Unsent
    }

    /// Returns whether the server does not know our token any more. Nothing took effect.
    pub(crate) fn is_token_gone(&self) -> bool {
        self.reason == Reason::TokenGone
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        if let Some(failure) = status.source().and_then(unconnected) {
            return failure;
        }
        let (kind, message, reason) = explain(status.code(), status.message());
        Self { kind, message, reason }
    }
}

impl From<tonic::transport::Error> for Failure {
    fn from(error: tonic::transport::Error) -> Self {
        unconnected(&error).unwrap_or(Self::UNREACHABLE)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind, failure.message)
    }
}

/// Why no connection came about, if that is what happened.
fn unconnected(error: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    let mut causes = iter::successors(Some(error), |&error| error.source());
    causes.find(|error| error.is::<ConnectError>())?;
    let is_tls = |error: &(dyn std::error::Error + 'static)| {
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
    };
    Some(if causes.any(is_tls) { Failure::UNTRUSTED } else { Failure::UNREACHABLE })
}

fn explain(code: Code, words: &str) -> (ErrorKind, &'static str, Reason) {
    use ErrorKind::{Full, Other, Setup, TooLarge, Unavailable};
    let (kind, message) = match code {
        Code::NotFound if words.contains("lease not found") => {
            return (Unavailable, "the lease has ended", Reason::LeaseGone);
        }
        Code::Unauthenticated | Code::InvalidArgument
            if words.contains("invalid auth token") || words.contains("revision of auth store is old") =>
        {
            return (Unavailable, "the server has forgotten the log-in", Reason::TokenGone);
        }
        Code::ResourceExhausted if words.contains("space exceeded") => {
            (Full, "the server's quota is reached; compact and defragment it, and disarm its alarm")
        }
        Code::ResourceExhausted if words.contains("larger than max") => (TooLarge, TOO_LARGE),
        Code::InvalidArgument if words.contains("request is too large") => (TooLarge, TOO_LARGE),
        Code::InvalidArgument if words.contains("authentication failed") => (Setup, WRONG_PASSWORD),
        Code::InvalidArgument if words.contains("user name is empty") => (Setup, WRONG_PASSWORD),
        Code::FailedPrecondition if words.contains("authentication is not enabled") => {
            (Setup, "the server knows no users; drop user and password from the url")
        }
        Code::Unauthenticated => (Setup, WRONG_PASSWORD),
        Code::PermissionDenied => {
            (Setup, "the user may not do this; the store needs to read and write its prefix")
        }
        Code::Unimplemented => {
            (Setup, "the server is too old or of another kind; the store needs etcd 3.4 or newer")
        }
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Aborted
        | Code::ResourceExhausted
        | Code::Unknown => {
            // With TLS 1.3, a server that does not like the client's certificate just hangs up.
            let message = "the server cannot be reached, was interrupted, or has no leader; with tls, it may want a \
                           certificate of the client";
            return (Unavailable, message, Reason::Member);
        }
        _ => (Other, "the server could not do as asked"),
    };
    (kind, message, Reason::Other)
}

const WRONG_PASSWORD: &str = "the server refused user and password, or wants some";
const TOO_LARGE: &str = "larger than the server takes; see its option --max-request-bytes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_that_a_caller_can_act_on_has_its_kind() {
        let kinds = [
            (Code::Unavailable, "etcdserver: no leader", ErrorKind::Unavailable),
            (Code::DeadlineExceeded, "", ErrorKind::Unavailable),
            (Code::InvalidArgument, "etcdserver: request is too large", ErrorKind::TooLarge),
            (Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded", ErrorKind::Full),
            (Code::ResourceExhausted, "etcdserver: too many requests", ErrorKind::Unavailable),
            (Code::InvalidArgument, "etcdserver: authentication failed, invalid user ID", ErrorKind::Setup),
            (Code::PermissionDenied, "etcdserver: permission denied", ErrorKind::Setup),
            (Code::Unimplemented, "", ErrorKind::Setup),
            (Code::Internal, "", ErrorKind::Other),
        ];
        for (code, words, kind) in kinds {
            assert_eq!(Failure::from(Status::new(code, words)).kind, kind, "{words}");
        }
    }

    #[test]
    fn an_error_shows_none_of_the_servers_own_words() {
        let error = Error::from(Failure::from(Status::new(Code::Internal, "secret")));
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
}
