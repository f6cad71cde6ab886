//! Whether the store answers, so that requests need not wait for one that does not.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cloakroom_store::{Error, ErrorKind};
use tokio::time::Instant;

use crate::observe::Event;

/// What is known about the store from the operations of all requests.
#[derive(Debug, Default)]
pub(crate) struct StoreHealth {
    /// 0 while all is well; else what happened since the last success.
    troubles: AtomicU32,
    last_probe: Mutex<Option<Instant>>,
}

/// The store did not answer an operation, and the application has an event of it.
const SILENT: u32 = 1;
/// An operation waits for longer than usual.
const SUSPECT: u32 = 2;
/// That operation gave up, and no other succeeded meanwhile: with a store of many shards, others do.
const DOWN: u32 = 4;

/// How often a request is let through to a store that is down, to find out whether it still is.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

impl StoreHealth {
    /// Notes an answer; returns the event that it is.
    #[inline]
    pub(crate) fn record_success(&self) -> Option<Event> {
        // Asked at every operation, and hardly ever true.
        if self.troubles.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let troubles = self.troubles.swap(0, Ordering::Relaxed);
        (troubles & SILENT != 0).then_some(Event::Connected)
    }

    /// Notes an error; returns the event that it is. Of errors only one means that the store did not answer.
    pub(crate) fn record_error(&self, error: &Error) -> Option<Event> {
        let is_silent = error.kind() == ErrorKind::Unavailable;
        let is_first = is_silent && self.troubles.fetch_or(SILENT, Ordering::Relaxed) & SILENT == 0;
        is_first.then_some(Event::Disconnected)
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

    /// Returns whether an operation may ask the store: always while it answers, and now and then while it is down.
    #[inline]
    pub(crate) fn admits(&self) -> bool {
        self.troubles.load(Ordering::Relaxed) & DOWN == 0 || self.admits_probe()
    }

    #[cold]
    fn admits_probe(&self) -> bool {
        let now = Instant::now();
        let mut last = self.last_probe.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.duration_since(last) >= PROBE_INTERVAL);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}
