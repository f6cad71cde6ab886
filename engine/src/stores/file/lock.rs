//! Locks that the kernel keeps, and gives back when a process dies.
//!
//! Every operation opens the lock's file for itself, so two threads of one process exclude each other as two
//! processes do.

use std::fs::File;
use std::io;
use std::path::Path;

use super::disk;

/// Holds a lock until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is given back when this is dropped"]
pub(super) struct Lock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

/// Waits until nobody else holds the lock.
pub(super) fn exclusive(path: &Path) -> io::Result<Lock> {
    let file = disk::private_file().open(path)?;
    wait(|| file.lock())?;
    Ok(Lock(file))
}

/// Waits until nobody else holds the lock for himself alone.
pub(super) fn shared(path: &Path) -> io::Result<Lock> {
    let file = disk::private_file().open(path)?;
    wait(|| file.lock_shared())?;
    Ok(Lock(file))
}

/// Goes on waiting when a signal came.
pub(super) fn wait(lock: impl Fn() -> io::Result<()>) -> io::Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
