//! Counts the work of this thread's edits, so that tests can say how it grows without a clock.

use std::cell::Cell;

thread_local!(static WORK: Cell<usize> = const { Cell::new(0) });

/// Adds bytes that were scanned or copied, or items that were looked at.
pub(super) fn add(amount: usize) {
    WORK.with(|work| work.set(work.get() + amount));
}

/// Returns the work of `f`.
pub(crate) fn of(f: impl FnOnce()) -> usize {
    let before = WORK.with(Cell::get);
    f();
    WORK.with(Cell::get) - before
}
