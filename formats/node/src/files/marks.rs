//! The marks of sessions that have ended: empty files, in a folder for each day.
//!
//! A mark counts on its day and the next one. Folders of older days are removed as a whole, so that no step goes through the
//! marks one by one.

use std::fs;
use std::io;
use std::path::PathBuf;

use cloakroom::store::Timestamp;

use super::disk;

#[derive(Debug)]
pub(super) struct Marks {
    root: PathBuf,
}

impl Marks {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Marks the end of a session, or keeps its mark for longer.
    pub(super) fn set(&self, id: &str, now: Timestamp) -> io::Result<()> {
        let today = day_of(now);
        let folder = self.folder(today);
        match fs::create_dir(&folder) {
            Ok(()) => self.remove_before(today.saturating_sub(1)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        disk::make_empty(&folder.join(id))
    }

    pub(super) fn is_set(&self, id: &str, now: Timestamp) -> io::Result<bool> {
        let today = day_of(now);
        for day in [today, today.saturating_sub(1)] {
            if self.folder(day).join(id).try_exists()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes the marks of older days. One that cannot be removed now is tried again on the next day.
    fn remove_before(&self, day: u64) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for entry in entries.flatten() {
            let of = entry.file_name().to_str().and_then(|name| name.strip_prefix("day-")?.parse().ok());
            if of.is_some_and(|of: u64| of < day) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }

    fn folder(&self, day: u64) -> PathBuf {
        self.root.join(format!("day-{day}"))
    }
}

fn day_of(now: Timestamp) -> u64 {
    now.as_millis() / 86_400_000
}
