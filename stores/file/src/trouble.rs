//! Errors of files, and the store's errors for them.

use std::io;
use std::path::Path;

use cloakroom_store::{Error, ErrorKind};

/// Why an operation could not be done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The system refused, before anything took effect.
    Io(io::Error),
    /// The system failed when the change was made in part, or made and not yet safe.
    Uncertain(io::Error),
    /// Another process has held a lock for too long; nothing took effect.
    Busy,
    /// A file is not what was written.
    Damaged,
    /// A file, or the folder, has a format that this version does not know.
    OtherFormat,
    /// The folder holds something else than a store.
    Foreign,
    /// There is no store, and it is not to be made.
    NoStore,
    /// A payload is larger than the limit.
    TooLarge,
    /// A cursor that this store did not make.
    BadCursor,
    /// The system gave no random number.
    NoRandom(getrandom::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Trouble {
    /// Makes the same for a change that has already begun to take effect.
    pub(super) fn halfway(self) -> Self {
        match self {
            Self::Io(error) => Self::Uncertain(error),
            other => other,
        }
    }

    /// Returns the error for it; `doing` says what was tried, as in "write a record".
    ///
    /// Messages name the store's folder, never a file in it.
    pub(super) fn explain(self, doing: &str, root: &Path) -> Error {
        let folder = root.display();
        let error = |kind, why: &str| Error::new(kind, format!("cannot {doing} in {folder}: {why}"));
        match self {
            Self::Io(source) => {
                let (kind, why) = judge(source.kind());
                error(kind, why).with_source(source)
            }
            Self::Uncertain(source) => {
                error(ErrorKind::Other, "it may have been done or not").with_source(source)
            }
            Self::Busy => {
                error(ErrorKind::Unavailable, "another process has held a lock for too long; is it stopped?")
            }
            Self::Damaged => error(ErrorKind::Corrupt, "a file is damaged; a sweep sets it aside"),
            Self::OtherFormat => error(ErrorKind::Corrupt, "another version of the file store wrote this"),
            Self::Foreign => error(ErrorKind::Setup, "it holds other files; name an empty or a new folder"),
            Self::NoStore => error(ErrorKind::Setup, "there are no sessions there; is the path right?"),
            Self::TooLarge => error(ErrorKind::TooLarge, "the payload is larger than the store's limit"),
            Self::BadCursor => error(ErrorKind::Invalid, "the cursor is from another store"),
            Self::NoRandom(source) => {
                error(ErrorKind::Unavailable, "the system gives no random numbers").with_source(source)
            }
        }
    }
}

/// Returns what a caller can do about a refusal of the system, and what to tell an operator.
fn judge(kind: io::ErrorKind) -> (ErrorKind, &'static str) {
    use io::ErrorKind as Io;
    match kind {
        Io::StorageFull => (ErrorKind::Full, "the disk is full"),
        Io::QuotaExceeded => (ErrorKind::Full, "the disk quota is used up"),
        Io::FileTooLarge => (ErrorKind::TooLarge, "the system does not allow a file of this size"),
        Io::NotFound => (ErrorKind::Setup, "the folder or a part of it is missing; create or restore it"),
        Io::NotADirectory | Io::AlreadyExists => {
            (ErrorKind::Setup, "a file is where a folder should be; name another folder")
        }
        Io::PermissionDenied => {
            (ErrorKind::Setup, "permission denied; let the process's user read and write it")
        }
        Io::ReadOnlyFilesystem => (ErrorKind::Setup, "the file system is read-only; mount it writable"),
        Io::Unsupported => (ErrorKind::Setup, "the file system lacks locks; use a local disk"),
        Io::Interrupted | Io::TimedOut | Io::WouldBlock | Io::ResourceBusy => {
            (ErrorKind::Unavailable, "the system is busy")
        }
        _ => (ErrorKind::Other, "the system refused"),
    }
}
