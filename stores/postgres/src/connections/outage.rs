//! When a connection was last found broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When a connection was last found broken: those that have been idle since then are probably broken too.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    began: Instant,
    /// Microseconds since `began`; 0 for never.
    last: Arc<AtomicU64>,
}

impl Default for Outage {
    fn default() -> Self {
        Self { began: Instant::now(), last: Arc::default() }
    }
}

impl Outage {
    pub(super) fn begins(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// Returns whether it was within the last `span`.
    pub(super) fn was_within(&self, span: Duration) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        last > 0 && Duration::from_micros(self.now() - last.min(self.now())) <= span
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }
}
