//! Single files: read, written whole, locked.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::SystemTime;

use super::layout::Prepared;
use crate::body::MAX_BYTES;

/// A file, as it was read.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) written: SystemTime,
    pub(super) permissions: fs::Permissions,
}

/// Reads a file; `None` if it is missing.
pub(super) fn read(path: &Path) -> io::Result<Option<Content>> {
    let Some(file) = found(File::open(path))? else { return Ok(None) };
    let about = file.metadata()?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(Content { bytes, written: about.modified()?, permissions: about.permissions() }))
}

/// Returns when a file was last written and last read; `None` if it is missing.
pub(super) fn times(path: &Path) -> io::Result<Option<(SystemTime, SystemTime)>> {
    let Some(about) = found(fs::metadata(path))? else { return Ok(None) };
    let written = about.modified()?;
    Ok(Some((written, about.accessed().unwrap_or(written))))
}

/// Puts a whole file in the place of what is at `target`, in one step. `temp` is the caller's alone, and may be left from a
/// process that was killed.
pub(super) fn write(
    temp: &Path,
    target: &Path,
    content: &Prepared,
    like: Option<&fs::Permissions>,
) -> io::Result<()> {
    remove(temp)?;
    let put = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(temp)?;
        file.write_all(&content.bytes)?;
        if let Some(like) = like {
            file.set_permissions(like.clone())?;
        }
        if let Some(time) = content.time {
            set_time(&file, time)?;
        }
        // Without this, a power cut may leave an empty file under the name.
        file.sync_all()?;
        fs::rename(temp, target)
    };
    put().inspect_err(|_| drop(fs::remove_file(temp)))
}

/// Sets both times of a file: node-session's clean-up goes by the last access.
pub(super) fn touch(path: &Path, time: SystemTime) -> io::Result<()> {
    set_time(&OpenOptions::new().write(true).open(path)?, time)
}

fn set_time(file: &File, time: SystemTime) -> io::Result<()> {
    file.set_times(FileTimes::new().set_modified(time).set_accessed(time))
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    found(fs::remove_file(path)).map(drop)
}

/// Makes an empty file, if it is missing.
pub(super) fn make_empty(path: &Path) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path).map(drop)
}

/// Waits for a lock. The kernel gives it back when the file is closed, or the process dies.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done.map(|()| file),
        }
    }
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
