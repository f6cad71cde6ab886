//! Locks that the kernel keeps, and gives back when a process dies.
//!
//! Every operation opens the lock's file for itself, so two threads of one process exclude each other as two
//! processes do. A process that is stopped keeps its locks, so a lock is waited for within a bound.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::disk;
use super::trouble::Trouble;

/// How long between two tries of a lock that another has: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_micros(50), Duration::from_millis(5)];

/// Holds a lock until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is given back when this is dropped"]
pub(super) struct Lock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

/// Acquires the lock in exclusive mode; waits for it no longer than `patience`.
pub(super) fn exclusive(path: &Path, patience: Duration) -> Result<Lock, Trouble> {
    let file = disk::private_file().open(path)?;
    wait(patience, || file.try_lock())?;
    Ok(Lock(file))
}

/// Acquires the lock in shared mode; waits for it no longer than `patience`.
pub(super) fn shared(path: &Path, patience: Duration) -> Result<Lock, Trouble> {
    let file = disk::private_file().open(path)?;
    wait(patience, || file.try_lock_shared())?;
    Ok(Lock(file))
}

/// Tries until the lock is there, for as long as patience lasts.
pub(super) fn wait(
    patience: Duration,
    try_lock: impl Fn() -> Result<(), TryLockError>,
) -> Result<(), Trouble> {
    let (began, [mut pause, longest]) = (Instant::now(), PAUSES);
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if began.elapsed() >= patience => return Err(Trouble::Busy),
            Err(TryLockError::WouldBlock) => {
                thread::sleep(pause);
                pause = (pause * 2).min(longest);
            }
        }
    }
}
