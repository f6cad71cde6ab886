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
