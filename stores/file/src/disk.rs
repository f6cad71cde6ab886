//! Files and folders, safely: written whole, private, and synced as far as was asked for.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::trouble::Trouble;

/// What an answered write survives.
///
/// The answer to a write (also to a delete, a touch and a revocation) is given when this is reached. Whatever is
/// chosen, a record is never seen half written while the machine runs, and a process that dies in the middle
/// of a write leaves the record as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// It survives the death of the machine: a power cut, a crash of the kernel. The file and its folder are
    /// synced, which takes a disk's own time, usually around a millisecond. This is the default.
    #[default]
    Machine,
    /// It survives the death of the process (a crash, `kill -9`), not of the machine: what was written in the last
    /// half minute or so before a power cut may be lost, so that a log-out or a revocation is undone, or damaged.
    /// For tests, and for machines that lose their disk when they die.
    Process,
}

impl Durability {
    /// Puts `bytes` at `target` in one step. `temp` is in the same folder and the caller's alone.
    ///
    /// Whatever fails before the rename leaves the target as it was; what fails after it is uncertain.
    pub(super) fn replace(self, temp: &Path, target: &Path, bytes: &[u8]) -> Result<(), Trouble> {
        let written = self.write_new(temp, bytes).and_then(|()| fs::rename(temp, target));
        written.inspect_err(|_| drop(fs::remove_file(temp)))?;
        self.sync_parent(target).map_err(Trouble::Uncertain)
    }

    fn write_new(self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = private_file().truncate(true).open(path)?;
        file.write_all(bytes)?;
        if self == Self::Machine { file.sync_all() } else { Ok(()) }
    }

    /// Rewrites a few bytes of a file where they are.
    pub(super) fn patch(self, path: &Path, at: u64, bytes: &[u8]) -> Result<(), Trouble> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes).map_err(Trouble::Uncertain)?;
        if self == Self::Machine { file.sync_data().map_err(Trouble::Uncertain) } else { Ok(()) }
    }

    /// Removes a file so that it stays removed after a crash.
    pub(super) fn remove(self, path: &Path) -> Result<(), Trouble> {
        fs::remove_file(path)?;
        self.sync_parent(path).map_err(Trouble::Uncertain)
    }

    /// Makes an empty file so that it survives a crash; returns `false` if it existed.
    pub(super) fn create_empty(self, path: &Path) -> io::Result<bool> {
        match private_file().create_new(true).open(path) {
            Ok(_) => self.sync_parent(path).map(|()| true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a folder so that it survives a crash; returns `false` if it existed.
    pub(super) fn create_folder(self, path: &Path) -> io::Result<bool> {
        let created = make_folder(path)?;
        if created {
            self.sync_parent(path)?;
        }
        Ok(created)
    }

    fn sync_parent(self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |parent| self.sync_folder(parent))
    }

    /// Syncs a folder, so that the names in it stay as they are.
    pub(super) fn sync_folder(self, path: &Path) -> io::Result<()> {
        // Windows writes names through with the files, and refuses to sync a folder.
        if self == Self::Machine && cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }
}

/// Makes a folder that only this user can enter; `false` if there is one already.
fn make_folder(path: &Path) -> io::Result<bool> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a file for writing that only this user can read, making it if it is missing.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Removes a file; it is not an error if it does not exist.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Reads up to `most` bytes.
pub(super) fn read_up_to(file: &File, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(most);
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the names in a folder that are text; all of the store's are.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}
