//! From redb's errors to the contract's kinds of error: the only place that maps them.

use std::io;

use cloakroom_store::{Error, ErrorKind};
use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

/// Why an operation failed. Copied, because one failed commit answers many callers.
///
/// Holds the operating system's code and words of ours: redb's own message could quote what a record holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    message: &'static str,
    code: Option<i32>,
}

impl Failure {
    pub(crate) const DAMAGED: Self =
        Self::new(ErrorKind::Corrupt, "the file is damaged; restore it from a backup or remove it");
    pub(crate) const STOPPED: Self =
        Self::new(ErrorKind::Other, "a thread of the store stopped, because something panicked on it");
    pub(crate) const NO_THREAD: Self = Self::new(ErrorKind::Setup, "the operating system gave no thread");
    pub(crate) const FOREIGN_FILE: Self = Self::new(
        ErrorKind::Setup,
        "the file is a redb database of another application; give the sessions a file of their own",
    );
    pub(crate) const NEWER_FORMAT: Self = Self::new(
        ErrorKind::Setup,
        "the file was written by a newer version of cloakroom-redb; update this program",
    );
    pub(crate) const OPEN_ELSEWHERE: Self = Self::new(
        ErrorKind::Setup,
        "another process, or another store of this one, has the file open, which is for one at a time; \
         share the store within a process, and use SQLite between processes",
    );
    /// Not begun, because others failed.
    pub(crate) const PAUSED: Self = Self::new(
        ErrorKind::Unavailable,
        "the last writes failed, so the next ones wait for a moment; see the errors before",
    );
    /// After a failed commit the file could not be opened again, or not yet.
    pub(crate) const CLOSED: Self =
        Self::new(ErrorKind::Unavailable, "the file was closed after an error and cannot be opened again");

    const fn new(kind: ErrorKind, message: &'static str) -> Self {
        Self { kind, message, code: None }
    }

    /// Returns the same failure, marked as one after which the operation may have taken effect.
    pub(crate) fn uncertain(self) -> Self {
        Self { kind: ErrorKind::Unavailable, ..self }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as E;
        let (kind, message) = match error.kind() {
            E::StorageFull | E::QuotaExceeded | E::FileTooLarge => (ErrorKind::Full, "the disk is full"),
            E::NotFound | E::NotADirectory | E::IsADirectory => (
                ErrorKind::Setup,
                "the file cannot be opened; does its folder exist, and is it a file, not a folder?",
            ),
            E::PermissionDenied | E::ReadOnlyFilesystem => {
                (ErrorKind::Setup, "this process may not write the file or its folder")
            }
            E::InvalidData | E::UnexpectedEof => {
                (ErrorKind::Corrupt, "the file is not a redb database, or its beginning is damaged")
            }
            E::InvalidInput => (ErrorKind::Invalid, "the path cannot name a file"),
            _ => (ErrorKind::Other, "the file could not be read or written"),
        };
        Self { kind, message, code: error.raw_os_error() }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Io(error) => error.into(),
            StorageError::Corrupted(_) => Self::DAMAGED,
            StorageError::ValueTooLarge(_) => Self::new(ErrorKind::TooLarge, "larger than the file can keep"),
            StorageError::PreviousIo | StorageError::DatabaseClosed => Self::CLOSED,
            _ => Self::new(ErrorKind::Other, "the file could not be read or written"),
        }
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            _ => Self::FOREIGN_FILE,
        }
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Storage(error) => error.into(),
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Self::OPEN_ELSEWHERE,
            DatabaseError::UpgradeRequired(_) => {
                Self::new(ErrorKind::Setup, "the file has an old format of redb; upgrade it with redb 2.6")
            }
            _ => Self::new(ErrorKind::Other, "the file could not be opened"),
        }
    }
}

impl From<TransactionError> for Failure {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            _ => Self::new(ErrorKind::Other, "a transaction could not begin"),
        }
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            _ => Self::new(ErrorKind::Other, "a transaction could not be committed"),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = Self::new(failure.kind, failure.message);
        match failure.code {
            Some(code) => error.with_source(io::Error::from_raw_os_error(code)),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_none_of_redbs_own_words() {
        let error = Error::from(Failure::from(StorageError::Corrupted("secret".into())));
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(!format!("{error:?} {error}").contains("secret"));
    }

    #[test]
    fn a_full_disk_shows_its_code() {
        const ENOSPC: i32 = 28;
        let error = Error::from(Failure::from(StorageError::Io(io::Error::from_raw_os_error(ENOSPC))));
        assert_eq!(error.kind(), ErrorKind::Full);
        assert!(std::error::Error::source(&error).is_some());
    }
}
