//! From what memcached says, and what the network does, to the contract's kinds of error: the only place that maps them.

use std::io;

use cloakroom_store::{Error, ErrorKind};

/// Why an operation failed. Holds words of ours: the server's could quote what it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    message: &'static str,
    io: Option<io::ErrorKind>,
}

impl Failure {
    pub(crate) const DAMAGED: Self =
        Self::new(ErrorKind::Corrupt, "an item is not as this version of the store writes it");
    pub(crate) const LATE: Self =
        Self::new(ErrorKind::Unavailable, "the server did not answer in time; is it reachable and healthy?");
    pub(crate) const CROWDED: Self =
        Self::new(ErrorKind::Unavailable, "others wrote the same record again and again");
    pub(crate) const FOREIGN: Self = Self::new(
        ErrorKind::Setup,
        "the server is too old or of another kind; the store needs memcached 1.6.18 or newer",
    );
    pub(crate) const WRONG_PASSWORD: Self =
        Self::new(ErrorKind::Setup, "the server refused user and password, or wants some");
    pub(crate) const WRONG_URL: Self = Self::new(
        ErrorKind::Invalid,
        "a url looks like memcached://host:11211, memcached://user:password@host or memcached:/run/memcached.sock",
    );
    pub(crate) const WRONG_PREFIX: Self =
        Self::new(ErrorKind::Invalid, "a prefix has up to 48 visible ascii characters");

    const fn new(kind: ErrorKind, message: &'static str) -> Self {
        Self { kind, message, io: None }
    }
}

/// Returns what the server's own words for an error mean; `line` begins with `ERROR`, `CLIENT_ERROR` or `SERVER_ERROR`.
pub(crate) fn told(line: &[u8]) -> Failure {
    let has = |words: &str| line.windows(words.len()).any(|window| window == words.as_bytes());
    if has("unauthenticated") || has("authentication") {
        return Failure::WRONG_PASSWORD;
    }
    if has("too large") {
        return Failure::new(ErrorKind::TooLarge, "larger than the server keeps; see its option -I");
    }
    if has("out of memory") {
        // What was there under the name may be gone: memcached removes what it could not replace.
        return Failure::new(
            ErrorKind::Unavailable,
            "the server has no memory left and may not evict; give it more with its option -m",
        );
    }
    if line.starts_with(b"SERVER_ERROR") {
        return Failure::new(ErrorKind::Unavailable, "the server failed, or a proxy could not reach it");
    }
    Failure::FOREIGN
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let message = "the server cannot be reached, or the connection was lost";
        Self { kind: ErrorKind::Unavailable, message, io: Some(error.kind()) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = Self::new(failure.kind, failure.message);
        match failure.io {
            Some(kind) => error.with_source(io::Error::from(kind)),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_server_that_a_caller_can_act_on_has_its_kind() {
        let kinds = [
            ("SERVER_ERROR object too large for cache", ErrorKind::TooLarge),
            ("SERVER_ERROR out of memory storing object", ErrorKind::Unavailable),
            ("SERVER_ERROR backend failure", ErrorKind::Unavailable),
            ("CLIENT_ERROR unauthenticated", ErrorKind::Setup),
            ("CLIENT_ERROR authentication failure", ErrorKind::Setup),
            ("CLIENT_ERROR bad command line format", ErrorKind::Setup),
            ("ERROR", ErrorKind::Setup),
        ];
        for (line, kind) in kinds {
            assert_eq!(told(line.as_bytes()).kind, kind, "{line}");
        }
    }

    #[test]
    fn an_error_shows_none_of_the_servers_own_words() {
        let error = Error::from(told(b"CLIENT_ERROR what is secret"));
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
}
