//! Removes expired records in the background.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use cloakroom_store::Swept;

use super::patience::jitter;
use super::{Engine, Inner};
use crate::Result;
use crate::observe::{Doing, Event, Expiry};

/// Whether this engine's sweep was started. Each engine has its own.
#[derive(Debug, Default)]
pub(super) struct Sweeper(AtomicBool);

/// How many records one step removes, so that a sweep never holds a store for long.
const BATCH: usize = 1_000;

impl Engine {
    /// Starts the sweep, once, if there is something to sweep and a runtime to do it.
    pub(super) fn start_sweeping(&self) {
        if self.0.sweeper.0.load(Ordering::Relaxed) {
            return;
        }
        let Some(every) = self.config().sweep_every.filter(|_| self.0.store.abilities().sweep.is_some())
        else {
            return self.0.sweeper.0.store(true, Ordering::Relaxed);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !self.0.sweeper.0.swap(true, Ordering::Relaxed)
        {
            runtime.spawn(sweep_forever(Arc::downgrade(&self.0), every, self.0.nonces.next()));
        }
    }

    /// Removes all expired records now and says how many; what the background does, for tests and command lines.
    ///
    /// # Errors
    /// What the store says. Stores that expire by themselves have nothing to sweep: 0.
    pub async fn sweep(&self) -> Result<u64> {
        let mut all = Swept::NOTHING;
        if let Some(sweep) = self.0.store.abilities().sweep {
            loop {
                let swept = sweep.sweep(BATCH).await;
                self.heard(&swept);
                let swept = swept?;
                all += swept;
                if !swept.more {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        if all.sliding > 0 {
            self.emit(&Event::Expired { reason: Expiry::Idle, count: all.sliding as u64 });
        }
        Ok(all.removed as u64)
    }
}

/// Ends with the engine, never at an error.
async fn sweep_forever(engine: Weak<Inner>, every: Duration, seed: u64) {
    let mut round = seed;
    loop {
        round = round.wrapping_add(1);
        tokio::time::sleep(every.mul_f64(0.8 + 0.4 * jitter(round))).await;
        let Some(engine) = engine.upgrade().map(Engine) else { return };
        if let Err(error) = engine.sweep().await {
            engine.failed(Doing::Sweep, &error);
        }
    }
}
