//! Names of a test's own on the shared server.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A prefix that no other test uses.
pub(crate) fn prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test-{}-{}/", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
