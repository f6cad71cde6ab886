//! For how long, and with which pauses, an operation is tried again.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait: a longer duration, added to an instant, might overflow.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits between tries, longer each time and never in step with other requests, until a deadline.
#[derive(Debug)]
pub(crate) struct Retry {
    limits: Limits,
    /// Counted from the first try on that did not succeed: most operations never need to know what time it is.
    started: Option<Instant>,
    failing_until: Option<Instant>,
    tries: u32,
    /// Any number that differs between requests.
    seed: u64,
}

/// How long an operation may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// All tries together, also those that the store leaves without an answer.
    pub(crate) deadline: Duration,
    /// Tries after a conflict.
    pub(crate) conflicts: Duration,
    /// Tries after a failure that the store reported, from the first one on.
    pub(crate) failures: Duration,
}

impl Retry {
    pub(crate) fn new(limits: Limits, seed: u64) -> Self {
        Self { limits, started: None, failing_until: None, tries: 0, seed }
    }

    /// Returns when all tries are over.
    pub(crate) fn deadline(&mut self) -> Instant {
        self.started() + self.limits.deadline.min(A_DAY)
    }

    /// Returns how long the operation has waited; `None` if it never had to.
    pub(crate) fn elapsed(&self) -> Option<Duration> {
        self.started.map(|started| started.elapsed())
    }

    /// Returns when the operation first had to wait: now, if it did not yet.
    pub(crate) fn started(&mut self) -> Instant {
        *self.started.get_or_insert_with(Instant::now)
    }

    /// Waits before a try after a failure; `false` if there is no time left.
    pub(crate) async fn after_failure(&mut self) -> bool {
        let failures = self.limits.failures.min(self.limits.conflicts);
        let until = *self.failing_until.get_or_insert_with(|| Instant::now() + failures.min(A_DAY));
        let until = until.min(self.deadline());
        self.wait(until, Duration::from_millis(10), Duration::from_millis(500)).await
    }

    /// Waits before a try after a conflict: not at all at first.
    pub(crate) async fn after_conflict(&mut self) -> bool {
        let until = self.started() + self.limits.conflicts.min(self.limits.deadline).min(A_DAY);
        if self.tries < 2 {
            self.tries += 1;
            return true;
        }
        self.failing_until = None;
        self.wait(until, Duration::from_micros(500), Duration::from_millis(50)).await
    }

    async fn wait(&mut self, until: Instant, first: Duration, longest: Duration) -> bool {
        let now = Instant::now();
        if now >= until {
            return false;
        }
        let doubled = first.saturating_mul(1 << self.tries.min(16)).min(longest);
        self.tries += 1;
        self.seed = self.seed.wrapping_add(1);
        let wait = doubled.mul_f64(0.5 + jitter(self.seed) / 2.0);
        tokio::time::sleep(wait.min(until - now)).await;
        true
    }
}

/// Makes a number from 0 to 1 of `seed` (by splitmix64), only so that requests and nodes do not act in step.
pub(crate) fn jitter(seed: u64) -> f64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are enough for jitter")]
    let part = ((mixed ^ (mixed >> 31)) >> 11) as f64;
    part / 9_007_199_254_740_992.0
}
