//! The locks and atomics of the store: std's, or shuttle's where the interleavings are searched.

#[cfg(shuttle)]
use shuttle as lib;
#[cfg(not(shuttle))]
use std as lib;

pub(super) use lib::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub(super) use lib::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub(super) use lib::thread::yield_now;

use cloakroom_store::{Error, ErrorKind, Result};

/// Locks for reading.
#[inline]
pub(super) fn read<T>(lock: &RwLock<T>) -> Result<RwLockReadGuard<'_, T>> {
    lock.read().map_err(|_| panicked())
}

/// Locks for writing.
#[inline]
pub(super) fn write<T>(lock: &RwLock<T>) -> Result<RwLockWriteGuard<'_, T>> {
    lock.write().map_err(|_| panicked())
}

/// Locks for anything.
#[inline]
pub(super) fn lock<T>(lock: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    lock.lock().map_err(|_| panicked())
}

/// What a half-done step may have left behind is not served.
#[cold]
fn panicked() -> Error {
    Error::new(ErrorKind::Other, "a thread panicked while it changed the memory store")
}
