//! A clock that moves with the time of the runtime, which tests pause.

use std::time::Duration;

use cloakroom::{Clock, Timestamp};
use tokio::time::Instant;

/// Tells the time of the runtime, or the time of a machine whose clock is ahead or behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestClock {
    begun: Instant,
    ahead: i64,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), ahead: 0 }
    }

    /// The clock of another machine, so many seconds ahead of this one.
    pub(crate) const fn ahead(self, seconds: i64) -> Self {
        Self { ahead: seconds, ..self }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let right = Timestamp::from_millis(1_800_000_000_000) + self.begun.elapsed();
        let skew = Duration::from_secs(self.ahead.unsigned_abs());
        if self.ahead < 0 { right - skew } else { right + skew }
    }
}

/// Lets time pass.
pub(crate) async fn pass(span: Duration) {
    tokio::time::sleep(span).await;
}

/// How long `work` takes.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    let result = work.await;
    (result, begun.elapsed())
}

pub(crate) const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}
