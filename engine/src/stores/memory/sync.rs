//! The locks and atomics of the store: std's, or shuttle's where the interleavings are searched.

#[cfg(shuttle)]
pub(super) use shuttle::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicU32, AtomicU64, Ordering},
};
#[cfg(not(shuttle))]
pub(super) use std::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use cloakroom_store::{Error, ErrorKind, Result};

/// Locks for reading.
pub(super) fn read<T>(lock: &RwLock<T>) -> Result<RwLockReadGuard<'_, T>> {
    lock.read().map_err(|_| panicked())
}

/// Locks for writing.
pub(super) fn write<T>(lock: &RwLock<T>) -> Result<RwLockWriteGuard<'_, T>> {
    lock.write().map_err(|_| panicked())
}

/// Locks for anything.
pub(super) fn lock<T>(lock: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    lock.lock().map_err(|_| panicked())
}

/// What a half-done step may have left behind is not served.
#[cold]
fn panicked() -> Error {
    Error::new(ErrorKind::Other, "a thread panicked while it changed the memory store")
}
