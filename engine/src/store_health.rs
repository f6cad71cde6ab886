//! Knows whether the store answers, so that requests fail at once while it is down.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom_store::{Error, ErrorKind};
use tokio::time::Instant;

use crate::observe::Event;

/// What is known about the store from the operations of all requests.
#[derive(Debug, Default)]
pub(crate) struct StoreHealth {
    /// 0 while all is well; else what happened since the last success.
    troubles: AtomicU32,
    /// Since when an operation asks whether the store is back.
    probe: Mutex<Option<Instant>>,
}

/// The store did not answer an operation, and the application has an event of it.
const SILENT: u32 = 1;
/// An operation waits for longer than usual.
const SUSPECT: u32 = 2;
/// That operation gave up, and no other succeeded meanwhile: with a store of many shards, others do.
const DOWN: u32 = 4;

/// How long the others wait for the operation that asks whether the store is back, before another one asks.
const PROBE_TIME: Duration = Duration::from_millis(250);

/// Whether an operation may ask the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Granted,
    /// The store is down, and this operation finds out whether it still is: say so when it
    /// [is over](StoreHealth::end_probe).
    Probe,
    Refused,
}

impl StoreHealth {
    /// Notes an answer, and returns the event to emit.
    #[inline]
    pub(crate) fn record_success(&self) -> Option<Event> {
        // Asked at every operation, and hardly ever true.
        if self.troubles.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let troubles = self.troubles.swap(0, Ordering::Relaxed);
        (troubles & SILENT != 0).then_some(Event::StoreRecovered)
    }

    /// Notes an error, and returns the event to emit. Only `Unavailable` means that the store did not answer.
    pub(crate) fn record_error(&self, error: &Error) -> Option<Event> {
        let is_silent = error.kind() == ErrorKind::Unavailable;
        let is_first = is_silent && self.troubles.fetch_or(SILENT, Ordering::Relaxed) & SILENT == 0;
        is_first.then_some(Event::StoreUnavailable)
    }

    /// Notes that an operation has met its first trouble.
    pub(crate) fn record_suspicion(&self) {
        self.troubles.fetch_or(SUSPECT, Ordering::Relaxed);
    }

    /// Notes that an operation which had met trouble stopped trying.
    pub(crate) fn record_give_up(&self) {
        if self.troubles.load(Ordering::Relaxed) & SUSPECT != 0 {
            self.troubles.fetch_or(DOWN, Ordering::Relaxed);
        }
    }

    /// Returns whether an operation may ask the store: always while it answers, one at a time while it is down.
    #[inline]
    pub(crate) fn admit(&self) -> Admission {
        if self.troubles.load(Ordering::Relaxed) & DOWN == 0 {
            Admission::Granted
        } else {
            self.admit_probe()
        }
    }

    #[cold]
    fn admit_probe(&self) -> Admission {
        let now = Instant::now();
        let mut probe = self.probe();
        if probe.is_some_and(|since| now.duration_since(since) < PROBE_TIME) {
            return Admission::Refused;
        }
        *probe = Some(now);
        Admission::Probe
    }

    /// Lets the next operation ask.
    pub(crate) fn end_probe(&self) {
        *self.probe() = None;
    }

    fn probe(&self) -> MutexGuard<'_, Option<Instant>> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
