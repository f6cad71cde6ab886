//! Notices that the file was deleted or replaced.
//!
//! An open file that was deleted or replaced can still be read and written. What is written goes nowhere, and what other
//! processes write, a log-out for example, is never seen.

use std::path::{Path, PathBuf};

use crate::error::Failure;

/// Which file is open, and where it was found.
#[derive(Debug)]
pub(crate) struct Identity {
    path: PathBuf,
    number: Option<Number>,
}

/// What tells a file from every other one, whatever they are called: device and inode.
type Number = (u64, u64);

impl Identity {
    /// Looks at the file at `path`, which was just opened.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        // The process may change its working directory.
        let path = std::path::absolute(path).map_err(|_| Failure::VANISHED)?;
        let number = number(&path)?;
        Ok(Self { path, number })
    }

    /// Fails if the path leads to nothing, or to another file.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if number(&self.path)? == self.number { Ok(()) } else { Err(Failure::VANISHED) }
    }
}

#[cfg(unix)]
fn number(path: &Path) -> Result<Option<Number>, Failure> {
    use std::io::ErrorKind;
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata(path) {
        Ok(file) => Ok(Some((file.dev(), file.ino()))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(Failure::VANISHED)
        }
        // Unknown: a folder that may not be entered any more, for example.
        Err(_) => Err(Failure::UNSEEN),
    }
}

/// Elsewhere, open files cannot be deleted.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn number(_path: &Path) -> Result<Option<Number>, Failure> {
    Ok(None)
}
