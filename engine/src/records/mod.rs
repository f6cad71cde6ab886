//! The only code that calls the store. It retries, keeps the deadline, reports outages as events, decodes records, and
//! follows redirects.

mod lists;
mod resolve;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use cloakroom_store::{
    CreateOutcome, Error as StoreError, ErrorKind as StoreErrorKind, MissedTouches, Record,
    Result as StoreResult, Store, StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
};
use tokio::time::Instant;
use tracing::Instrument;

use crate::observe::{EndReason, Event, Measurement, Operation};
use crate::record::{Redirect, redirect_payload};
use crate::retry::{Limits, Retry};
use crate::shared_clock::ClockOffset;
use crate::store_health::Admission;
use crate::{Error, ErrorKind, Result, SessionManager};

pub(crate) use resolve::{Follow, Live, Resolved};

/// The store, for one operation of the engine.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    engine: &'a SessionManager,
    retry: Retry,
    loads: usize,
    /// Whether this operation tests a store that is down.
    is_probe: bool,
    /// Whether this operation has met its first trouble.
    is_suspect: bool,
    /// Why the session was ended whose record was looked for last, if the store remembers that.
    found_end: Option<EndReason>,
    /// Where the time is noted that this operation has waited, in microseconds.
    waited: Option<&'a AtomicU64>,
    /// What is to be measured, and since when.
    measurement: Option<(Instant, Measurement)>,
}

impl Drop for Records<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.engine.health().end_probe();
        }
        if let (Some(waited), Some(span)) = (self.waited, self.retry.elapsed()) {
            waited.store(u64::try_from(span.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        // What never asked the store took nothing.
        if let Some((since, mut measurement)) = self.measurement.take().filter(|(_, it)| it.trips > 0) {
            measurement.took = since.elapsed();
            self.engine.measured(&measurement);
        }
    }
}

/// How often a server is asked for the time, if its answers show that the clocks are apart: the quickest says most.
const CLOCK_QUESTIONS: usize = 3;

type Call<'b, T> = Pin<Box<dyn Future<Output = StoreResult<T>> + Send + 'b>>;

impl<'a> Records<'a> {
    /// Begins an operation that loads.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) while the store is known to be down.
    pub(crate) fn for_load(
        engine: &'a SessionManager,
        operation: Operation,
        waited: Option<&'a AtomicU64>,
    ) -> Result<Self> {
        let (config, failures) = (engine.config(), engine.config().outage.retry_for);
        let limits = Limits { deadline: config.deadline, conflicts: Duration::MAX, failures };
        let mut records = Self::open(engine, operation, limits)?;
        records.waited = waited;
        Ok(records)
    }

    /// Begins an operation that writes.
    ///
    /// # Errors
    /// As for [`for_load`](Self::for_load).
    pub(crate) fn for_commit(
        engine: &'a SessionManager,
        operation: Operation,
        deadline: Duration,
    ) -> Result<Self> {
        let config = engine.config();
        let (conflicts, failures) = (config.commit_timeout, config.outage.retry_for);
        Self::open(engine, operation, Limits { deadline, conflicts, failures })
    }

    fn open(engine: &'a SessionManager, operation: Operation, limits: Limits) -> Result<Self> {
        let admission = engine.health().admit();
        if admission == Admission::Refused {
            let message = "the session store did not answer the last requests";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let is_probe = admission == Admission::Probe;
        Ok(Self {
            is_probe,
            engine,
            retry: Retry::new(limits, engine.next_nonce()),
            loads: 0,
            is_suspect: false,
            found_end: None,
            waited: None,
            measurement: engine.begin_measurement().map(|since| (since, Measurement::begin(operation))),
        })
    }

    pub(crate) fn store(&self) -> &'a dyn Store {
        &**self.engine.store()
    }

    /// Makes one call, and waits no longer than the deadline.
    pub(crate) async fn ask<T>(&mut self, mut call: Call<'_, T>) -> StoreResult<T> {
        self.measure(|measurement| measurement.trips += 1);
        let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        let answer = match first {
            Poll::Ready(answer) => answer,
            // Most timers are never needed, and outside of a runtime they do not exist.
            Poll::Pending if tokio::runtime::Handle::try_current().is_err() => call.await,
            Poll::Pending => self.wait_for(call).await,
        };
        self.engine.record_answer(&answer);
        answer
    }

    fn measure(&mut self, note: impl FnOnce(&mut Measurement)) {
        if let Some((_, measurement)) = &mut self.measurement {
            note(measurement);
        }
    }

    async fn wait_for<T>(&mut self, mut call: Call<'_, T>) -> StoreResult<T> {
        let deadline = self.retry.deadline();
        // After half of the deadline the store is suspected. At its end it is down, unless other operations succeeded.
        let half = self.retry.started() + (deadline - self.retry.started()) / 2;
        if let Ok(answer) = tokio::time::timeout_at(half, &mut call).await {
            return answer;
        }
        self.suspect();
        tokio::time::timeout_at(deadline, call).await.unwrap_or_else(|_| {
            Err(StoreError::new(StoreErrorKind::Unavailable, "no answer within the deadline"))
        })
    }

    /// Notes the first trouble of this operation: if it gives up and no other has succeeded since, the store is down.
    fn suspect(&mut self) {
        if !std::mem::replace(&mut self.is_suspect, true) {
            self.engine.health().record_suspicion();
        }
    }

    /// Returns how far the clock that all machines share is ahead of this one's; in step where the store tells no time.
    ///
    /// A server that does not answer is not a failure here: the write that follows finds that out.
    pub(crate) async fn clock_offset(&mut self) -> ClockOffset {
        let Some(server) = self.store().capabilities().server_clock else { return ClockOffset::default() };
        let (shared, own) = (self.engine.shared_clock(), self.engine.clock());
        if let Some(known) = shared.known(own.now()) {
            return known;
        }
        let mut answers = Vec::new();
        while answers.len() < CLOCK_QUESTIONS {
            let sent = own.now();
            let Ok(now) = self.ask(server.now()).await else { break };
            let answer = ClockOffset::between(sent, now, own.now());
            answers.push(answer);
            if shared.agrees(answer) {
                break;
            }
        }
        if answers.is_empty() { shared.last() } else { shared.learn(&answers, own.now()) }
    }

    /// Removes the record of this version, once and without a retry, and then calls `removed`. Waits for that no longer than
    /// `limit`; a store that is slower does it later, within the deadline.
    pub(crate) async fn clean_up(
        &self,
        key: &StoreKey,
        version: Version,
        limit: Duration,
        removed: impl FnOnce() + Send + 'static,
    ) {
        let (store, key, deadline) =
            (self.engine.store().clone(), key.clone(), self.engine.config().deadline);
        let work = async move {
            if let Ok(UpdateOutcome::Updated(_)) = store.update(&key, version, &Record::expired()).await {
                removed();
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let task = runtime.spawn(tokio::time::timeout(deadline, work).in_current_span());
                let _ = tokio::time::timeout(limit, task).await;
            }
            Err(_) => work.await,
        }
    }

    pub(crate) async fn create(&mut self, key: &StoreKey, record: &Record) -> StoreResult<CreateOutcome> {
        let store = self.store();
        self.ask(store.create(key, record)).await
    }

    pub(crate) async fn update(
        &mut self,
        key: &StoreKey,
        version: Version,
        record: &Record,
    ) -> StoreResult<UpdateOutcome> {
        let store = self.store();
        self.ask(store.update(key, version, record)).await
    }

    /// Loads a record, trying again after failures.
    pub(crate) async fn load(
        &mut self,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let store = self.store();
        self.loads += 1;
        loop {
            match self.ask(store.load(key, touch)).await {
                Ok(found) => {
                    let is_due = |stored: &VersionedRecord| {
                        touch.is_some_and(|it| it.extended_expiry(&stored.record).is_some())
                    };
                    if found.as_ref().is_some_and(is_due) {
                        self.report_missed_touch();
                    }
                    return Ok(found);
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// Reports a due touch that the store could not write, if that is why the record is still due: another request may
    /// also have been quicker.
    fn report_missed_touch(&self) {
        let missed = self.store().capabilities().missed_touches.and_then(MissedTouches::take);
        if let Some(kind) = missed {
            let kind = Error::from(StoreError::new(kind, "a due touch was not written")).kind();
            self.engine.emit(&Event::Failed { operation: Operation::Touch, kind });
        }
    }

    /// Moves an expiry, trying again after failures.
    pub(crate) async fn touch(&mut self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let store = self.store();
        loop {
            match self.ask(store.touch(key, expires_at)).await {
                Ok(found) => return Ok(found),
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// Removes a record, trying again after failures.
    pub(crate) async fn delete(&mut self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let store = self.store();
        loop {
            match self.ask(store.delete(key)).await {
                Ok(removed) => return Ok(removed),
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// Returns why the session was ended that was looked for last, if the store remembers that.
    pub(crate) const fn take_found_end(&mut self) -> Option<EndReason> {
        self.found_end.take()
    }

    /// Returns what a session leaves in its place when it ends: nothing, unless endings are remembered.
    pub(crate) fn ending(&self, reason: EndReason) -> Record {
        let Some(span) = self.engine.config().remember_endings else { return Record::expired() };
        let now = self.engine.clock().now();
        let redirect =
            Redirect { nonce: self.engine.next_nonce(), grace_until: now, to: None, ended: Some(reason) };
        Record::new(redirect_payload(&redirect), now + span).with_sliding(false)
    }

    /// Ends the session under `key` if it still has this version; what came in its place stays.
    pub(crate) async fn end_exactly(
        &mut self,
        key: &StoreKey,
        version: Version,
        reason: EndReason,
    ) -> Result<bool> {
        let (mut may_be_ours, ending) = (false, self.ending(reason));
        loop {
            match self.update(key, version, &ending).await {
                Ok(UpdateOutcome::Updated(_)) => return Ok(true),
                Ok(UpdateOutcome::NotFound) => return Ok(may_be_ours),
                Ok(UpdateOutcome::Conflict(stored)) if stored.record.payload == ending.payload => {
                    return Ok(may_be_ours);
                }
                Ok(UpdateOutcome::Conflict(_) | UpdateOutcome::Revoked) => return Ok(false),
                Err(error) => {
                    may_be_ours |= error.is_uncertain();
                    self.wait_after(error).await?;
                }
            }
        }
    }

    /// Returns how many loads were made.
    pub(crate) const fn loads(&self) -> usize {
        self.loads
    }

    /// Waits for another try after a failure, or returns the error.
    pub(crate) async fn wait_after(&mut self, error: StoreError) -> Result<()> {
        self.suspect();
        if error.is_uncertain() && self.retry.after_failure().await {
            self.measure(|measurement| measurement.retries += 1);
            return Ok(());
        }
        if error.kind() == StoreErrorKind::Unavailable {
            self.engine.health().record_give_up();
        }
        Err(error.into())
    }

    /// Waits for another try after a conflict; `false` if there is no time left.
    pub(crate) async fn wait_after_conflict(&mut self) -> bool {
        self.measure(|measurement| measurement.conflicts += 1);
        self.retry.after_conflict().await
    }

    /// Waits for `future` for as long as `limit`, but not beyond the deadline.
    pub(crate) async fn within_deadline<T>(
        &mut self,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Some(future.await);
        }
        let until = self.retry.deadline().min(Instant::now() + limit);
        tokio::time::timeout_at(until, future).await.ok()
    }
}
