//! Removes expired records in the background.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use cloakroom_store::SweepStats;

use crate::audit;
use crate::manager::Inner;
use crate::observe::{Event, ExpiryReason, Measurement, Operation};
use crate::retry::jitter;
use crate::{Result, SessionManager};

/// Whether this engine's sweep runs. Each engine has its own.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    is_running: AtomicBool,
    has_nothing_to_do: AtomicBool,
    /// Whether a sweep that was drawn by lot runs.
    is_drawn: AtomicBool,
}

/// How many records one step removes, so that a sweep never holds a store for long.
const BATCH: usize = 1_000;

/// How long one sweep may take before the next one begins in its place.
const LONGEST_ROUND: Duration = Duration::from_secs(5 * 60);

/// The longest pause between two sweeps: timers end somewhere.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Notes that the task ended, also with its runtime, so that the next request starts another one.
struct Running(Weak<Inner>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(engine) = self.0.upgrade() {
            engine.sweeper.is_running.store(false, Ordering::Relaxed);
        }
    }
}

/// Notes that a sweep that was drawn ended, be it by a panic of the store.
struct Drawn(SessionManager);

impl Drop for Drawn {
    fn drop(&mut self) {
        self.0.0.sweeper.is_drawn.store(false, Ordering::Relaxed);
    }
}

/// Returns whether a lot wins; no two seeds in a row have to do with each other.
fn wins(seed: u64, (wins, of): (u32, u32)) -> bool {
    jitter(seed) * f64::from(of) < f64::from(wins)
}

impl SessionManager {
    /// Starts the sweep if it does not run, there is something to sweep, and there is a runtime to do it.
    pub(crate) fn start_sweeping(&self) {
        let sweeper = &self.0.sweeper;
        if sweeper.is_running.load(Ordering::Relaxed) || sweeper.has_nothing_to_do.load(Ordering::Relaxed) {
            return;
        }
        let Some(every) =
            self.config().sweep_interval.filter(|_| self.0.store.capabilities().sweep.is_some())
        else {
            return sweeper.has_nothing_to_do.store(true, Ordering::Relaxed);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !sweeper.is_running.swap(true, Ordering::Relaxed)
        {
            let running = Running(Arc::downgrade(&self.0));
            runtime.spawn(sweep_forever(running, every.min(LONGEST_PAUSE), self.next_nonce()));
        }
    }

    /// Draws a lot, and begins to sweep if it wins, beside the request.
    pub(crate) fn draw_sweep(&self) {
        let Some(lottery) = self.config().sweep_lottery else { return };
        if !wins(self.next_nonce(), lottery) || self.0.store.capabilities().sweep.is_none() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !self.0.sweeper.is_drawn.swap(true, Ordering::Relaxed)
        {
            let drawn = Drawn(self.clone());
            runtime.spawn(async move {
                if let Err(error) = drawn.0.sweep().await {
                    drawn.0.failed(Operation::Sweep, &error);
                }
            });
        }
    }

    /// Removes all expired records now and says how many; what the background does, for tests and command lines.
    ///
    /// # Errors
    /// What the store says. Stores that expire by themselves have nothing to sweep: 0.
    pub async fn sweep(&self) -> Result<u64> {
        let (mut all, since, mut trips) = (SweepStats::NOTHING, self.begin_measurement(), 0);
        if let Some(sweep) = self.0.store.capabilities().sweep {
            loop {
                let swept = sweep.sweep(BATCH).await;
                self.record_answer(&swept);
                trips += 1;
                let swept = swept?;
                all += swept;
                if !swept.more {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        if all.sliding > 0 {
            self.emit(&Event::Expired { reason: ExpiryReason::Idle, count: all.sliding as u64 });
            audit::swept(all.sliding as u64);
        }
        if let Some(since) = since {
            let (took, removed) = (since.elapsed(), all.removed as u64);
            self.measured(&Measurement { took, trips, removed, ..Measurement::begin(Operation::Sweep) });
        }
        Ok(all.removed as u64)
    }
}

/// Ends with the engine, never at an error.
async fn sweep_forever(running: Running, every: Duration, seed: u64) {
    let mut round = seed;
    loop {
        round = round.wrapping_add(1);
        tokio::time::sleep(every.mul_f64(0.8 + 0.4 * jitter(round))).await;
        let Some(engine) = running.0.upgrade().map(SessionManager) else { return };
        let swept = engine.clone();
        // In a task of its own, so that a store that panics ends this round and not the sweep.
        let mut round = tokio::spawn(async move {
            if let Err(error) = swept.sweep().await {
                swept.failed(Operation::Sweep, &error);
            }
        });
        if tokio::time::timeout(LONGEST_ROUND, &mut round).await.is_err() {
            round.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::MemoryStore;
    use crate::{Config, ManualClock, PlainRequest, Timestamp};

    #[test]
    fn b13_two_of_a_hundred_lots_win_whatever_the_seeds() {
        for first in [0, 1, u64::MAX - 50_000, 0x9e37_79b9_7f4a_7c15] {
            let won = (0..100_000).filter(|n| wins(first.wrapping_add(*n), (2, 100))).count();
            assert!((1_850..2_150).contains(&won), "{won}");
            assert!((0..1_000).all(|n| wins(first.wrapping_add(n), (1, 1))));
        }
    }

    #[tokio::test]
    async fn b13_a_request_whose_lot_wins_has_expired_records_removed_and_does_not_wait() {
        for lottery in [Some((1, 1)), None] {
            let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
            let mut config = Config::plain_http().sweep_interval(None).clock(clock.clone());
            config.sweep_lottery = lottery;
            let store = MemoryStore::builder().clock(clock.clone()).build();
            let engine = SessionManager::new(store, config).unwrap();
            let put = async || {
                let request = engine.begin(&PlainRequest::default());
                request.load().await.unwrap().insert("coat", "red").unwrap();
                assert!(request.try_finish().unwrap().set_cookie.is_some(), "a request does not wait");
            };
            put().await;
            clock.advance(Duration::from_secs(24 * 60 * 60));
            put().await;
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            let left = engine.sweep().await.unwrap();
            assert_eq!(left, u64::from(lottery.is_none()), "what is left for another sweep");
            assert!(!engine.0.sweeper.is_drawn.load(Ordering::Relaxed));
        }
        for (wins, of) in [(0, 100), (3, 2), (0, 0)] {
            let config = Config::plain_http().sweep_interval(None).sweep_lottery(wins, of);
            let error = SessionManager::new(MemoryStore::new(), config).unwrap_err();
            assert_eq!(error.options(), ["sweep_lottery"]);
        }
    }
}
