//! From SQLite's result codes to the contract's kinds of error: the only place that maps them.

use cloakroom_store::{Error, ErrorKind};
use rusqlite::ffi;

/// Why an operation failed. Copied, because one failed commit answers many callers.
///
/// Holds the result code and words of ours: SQLite's own message could quote what a row holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    message: &'static str,
    code: Option<ffi::Error>,
}

impl Failure {
    pub(crate) const DAMAGED_ROW: Self =
        Self::new(ErrorKind::Corrupt, "a row is not as this version of the store writes it");
    pub(crate) const STOPPED: Self =
        Self::new(ErrorKind::Other, "a thread of the store stopped, because something panicked on it");
    pub(crate) const FOREIGN_FILE: Self = Self::new(
        ErrorKind::Setup,
        "the database belongs to another application; give the sessions a file of their own",
    );
    pub(crate) const NEWER_SCHEMA: Self = Self::new(
        ErrorKind::Setup,
        "the database was written by a newer version of cloakroom-sqlite; update this program",
    );
    pub(crate) const FOREIGN_TABLE: Self = Self::new(
        ErrorKind::Setup,
        "a table is missing or not laid out as in schema.sql; choose another table prefix or another file",
    );
    pub(crate) const NO_STORE: Self = Self::new(
        ErrorKind::Setup,
        "there are no sessions in that place; are the path and the table prefix right?",
    );
    pub(crate) const VANISHED: Self = Self::new(
        ErrorKind::Setup,
        "the file was deleted, moved or replaced while it was open; put it back, or start this program again",
    );
    pub(crate) const UNSEEN: Self = Self::new(
        ErrorKind::Unavailable,
        "the file cannot be looked at any more; may this process enter its folder?",
    );
    pub(crate) const NO_WAL: Self = Self::new(
        ErrorKind::Setup,
        "the file cannot be used with a write-ahead log; put it on a local file system",
    );
    pub(crate) const NO_THREAD: Self = Self::new(ErrorKind::Setup, "the operating system gave no thread");

    pub(crate) const NO_BODIES: Self = Self::new(
        ErrorKind::Setup,
        "there is no table of Node's sessions in that place: let the Node application make it; are path and table right?",
    );
    pub(crate) const FOREIGN_BODIES: Self = Self::new(
        ErrorKind::Setup,
        "the table of Node's sessions, or that of ended ones, is missing or not as connect-sqlite3 makes it: sid as its \
         primary key, expired and sess",
    );
    pub(crate) const NO_ENDED: Self = Self::new(
        ErrorKind::Setup,
        "the table of ended sessions is missing, and is not to be made: make it by hand, as the README says",
    );
    pub(crate) const FOREIGN_ENDED: Self = Self::new(
        ErrorKind::Setup,
        "the table of ended sessions is not as the README says; choose another table prefix",
    );

    const fn new(kind: ErrorKind, message: &'static str) -> Self {
        Self { kind, message, code: None }
    }

    /// Returns the same failure, marked as one after which the operation may have taken effect.
    pub(crate) fn uncertain(self) -> Self {
        Self { kind: ErrorKind::Unavailable, ..self }
    }

    /// Returns the same failure with a message that does not mention the tables of our own store.
    pub(crate) fn about_bodies(self) -> Self {
        let message = if self.message == Self::FOREIGN_TABLE.message {
            Self::FOREIGN_BODIES.message
        } else {
            self.message
        };
        Self { message, ..self }
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.code.is_some_and(|code| code.extended_code & 0xff == ffi::SQLITE_BUSY)
    }
}

impl From<ffi::Error> for Failure {
    fn from(code: ffi::Error) -> Self {
        let (kind, message) = explain(code.extended_code);
        Self { kind, message, code: Some(code) }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        match error {
            E::SqliteFailure(code, _) | E::SqlInputError { error: code, .. } => code.into(),
            E::InvalidColumnType(..) | E::FromSqlConversionFailure(..) | E::IntegralValueOutOfRange(..) => {
                Self::DAMAGED_ROW
            }
            E::InvalidPath(_) | E::NulError(_) => {
                Self::new(ErrorKind::Invalid, "the path cannot name a file")
            }
            _ => Self::new(ErrorKind::Other, "the database could not be queried"),
        }
    }
}

impl From<rusqlite::types::FromSqlError> for Failure {
    fn from(_: rusqlite::types::FromSqlError) -> Self {
        Self::DAMAGED_ROW
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = Self::new(failure.kind, failure.message);
        match failure.code {
            Some(code) => error.with_source(code),
            None => error,
        }
    }
}

/// Returns what an extended result code means to a caller, and what to do.
fn explain(extended: i32) -> (ErrorKind, &'static str) {
    use ErrorKind::{Corrupt, Full, Other, Setup, TooLarge, Unavailable};
    match extended {
        ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_DATA => {
            return (Corrupt, "the file system reports damage; restore the database from a backup");
        }
        ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMMAP | ffi::SQLITE_IOERR_SHMOPEN => {
            return (
                Other,
                "the shared memory file beside the database cannot be used; is there room on the disk?",
            );
        }
        ffi::SQLITE_READONLY_DBMOVED => {
            return (Setup, "the database file was moved or deleted while it was open; start again");
        }
        _ => {}
    }
    match extended & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL => {
            (Unavailable, "the database was locked by others for longer than the busy timeout")
        }
        ffi::SQLITE_NOMEM => (Unavailable, "out of memory"),
        ffi::SQLITE_FULL => (Full, "the disk is full"),
        ffi::SQLITE_TOOBIG => (TooLarge, "larger than the database can keep"),
        ffi::SQLITE_CORRUPT => (Corrupt, "the database is damaged; restore it from a backup or remove it"),
        ffi::SQLITE_NOTADB => (Corrupt, "the file is not a database, or its first page is damaged"),
        ffi::SQLITE_CANTOPEN => {
            (Setup, "the file cannot be opened; does its folder exist, and may this process write there?")
        }
        ffi::SQLITE_READONLY | ffi::SQLITE_PERM | ffi::SQLITE_AUTH => {
            (Setup, "this process may not write the database, its folder, or the files beside it")
        }
        ffi::SQLITE_ERROR | ffi::SQLITE_SCHEMA => {
            (Failure::FOREIGN_TABLE.kind, Failure::FOREIGN_TABLE.message)
        }
        ffi::SQLITE_IOERR => (Other, "the database could not be read or written"),
        _ => (Other, "the database could not do as asked"),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_result_code_that_a_caller_can_act_on_has_its_kind() {
        let kinds = [
            (ffi::SQLITE_BUSY, ErrorKind::Unavailable),
            (ffi::SQLITE_BUSY_RECOVERY, ErrorKind::Unavailable),
            (ffi::SQLITE_BUSY_SNAPSHOT, ErrorKind::Unavailable),
            (ffi::SQLITE_LOCKED_SHAREDCACHE, ErrorKind::Unavailable),
            (ffi::SQLITE_FULL, ErrorKind::Full),
            (ffi::SQLITE_TOOBIG, ErrorKind::TooLarge),
            (ffi::SQLITE_CORRUPT, ErrorKind::Corrupt),
            (ffi::SQLITE_CORRUPT_INDEX, ErrorKind::Corrupt),
            (ffi::SQLITE_NOTADB, ErrorKind::Corrupt),
            (ffi::SQLITE_IOERR_CORRUPTFS, ErrorKind::Corrupt),
            (ffi::SQLITE_CANTOPEN_ISDIR, ErrorKind::Setup),
            (ffi::SQLITE_READONLY_DIRECTORY, ErrorKind::Setup),
            (ffi::SQLITE_READONLY_DBMOVED, ErrorKind::Setup),
            (ffi::SQLITE_PERM, ErrorKind::Setup),
            (ffi::SQLITE_ERROR, ErrorKind::Setup),
            (ffi::SQLITE_IOERR_FSYNC, ErrorKind::Other),
            (ffi::SQLITE_IOERR_SHMSIZE, ErrorKind::Other),
            (ffi::SQLITE_CONSTRAINT_NOTNULL, ErrorKind::Other),
        ];
        for (code, kind) in kinds {
            assert_eq!(Failure::from(ffi::Error::new(code)).kind, kind, "result code {code}");
        }
    }

    #[test]
    fn an_error_shows_the_code_and_none_of_sqlites_own_words() {
        let told =
            rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some("secret".into()));
        let error = Error::from(Failure::from(told));
        assert!(!format!("{error:?} {error}").contains("secret"));
        assert!(error.source().unwrap().to_string().contains("malformed"));
    }
}
