//! A reference store with one fault, and the harness to test it.

use std::fmt;

use cloakroom_conformance::{Capability, Limits, ManualHarness, Reference, cases};
use cloakroom_store::*;

pub(crate) const LARGEST: usize = 1 << 20;

/// What a store does otherwise than the reference. Each fault overrides one method, or one pair that belongs together.
#[async_trait]
pub(crate) trait Fault: fmt::Debug + Default + Send + Sync + 'static {
    /// Which key is used for `key`.
    fn key(&self, key: &StoreKey) -> StoreKey {
        key.clone()
    }
    /// What is written for `record`.
    fn record(&self, record: &Record) -> Record {
        record.clone()
    }
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        s.load(key, touch).await
    }
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        s.create(key, record).await
    }
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        s.update(key, expected, record).await
    }
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        s.touch(key, expires_at).await
    }
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        s.delete(key).await
    }
    async fn sweep(&self, s: &Reference, limit: usize) -> Result<SweepStats> {
        s.sweep(limit).await
    }
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        s.scan(after, limit).await
    }
    async fn count(&self, s: &Reference) -> Result<u64> {
        s.count().await
    }
    async fn clear(&self, s: &Reference) -> Result<u64> {
        s.clear().await
    }
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        s.list(owner, after, limit).await
    }
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        s.revoke(owner, at).await
    }
    fn debug(&self, s: &Reference, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(s, f)
    }
    /// Which store another handle is on.
    fn another_handle(s: &Reference) -> Reference {
        s.clone()
    }
    fn capabilities<'a>(&self, all: Capabilities<'a>) -> Capabilities<'a> {
        all
    }
}

/// A handle on a store with a fault.
pub(crate) struct Faulty<F> {
    fault: F,
    store: Reference,
}

impl<F: Fault> Faulty<F> {
    fn on(store: Reference) -> Self {
        Self { fault: F::default(), store }
    }
}

impl<F: Fault> fmt::Debug for Faulty<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.debug(&self.store, f)
    }
}

#[async_trait]
impl<F: Fault> Store for Faulty<F> {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.fault.load(&self.store, &self.fault.key(key), touch).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.fault.create(&self.store, &self.fault.key(key), &self.fault.record(record)).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.fault.update(&self.store, &self.fault.key(key), expected, &self.fault.record(record)).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.fault.touch(&self.store, &self.fault.key(key), expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.fault.delete(&self.store, &self.fault.key(key)).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        self.fault.capabilities(Capabilities::NONE.with_sweep(self).with_scan(self).with_owners(self))
    }
}

#[async_trait]
impl<F: Fault> Sweep for Faulty<F> {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        self.fault.sweep(&self.store, limit).await
    }
}

#[async_trait]
impl<F: Fault> Scan for Faulty<F> {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.fault.scan(&self.store, after, limit).await
    }
    async fn count(&self) -> Result<u64> {
        self.fault.count(&self.store).await
    }
    async fn clear(&self) -> Result<u64> {
        self.fault.clear(&self.store).await
    }
}

#[async_trait]
impl<F: Fault> Owners for Faulty<F> {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        self.fault.list(&self.store, owner, after, limit).await
    }
    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        self.fault.revoke(&self.store, owner, at).await
    }
}

fn harness<F: Fault>() -> ManualHarness {
    let clock = ManualClock::at(Timestamp::now());
    let store = Reference::new(clock.clone()).with_max_payload_bytes(LARGEST);
    let unreachable = Reference::new(clock.clone());
    unreachable.fail_with(Some(ErrorKind::Unavailable));
    ManualHarness::with_clock(clock, Faulty::<F>::on(store.clone()))
        .and_handle(Faulty::<F>::on(F::another_handle(&store)))
        .and_unreachable(Faulty::<F>::on(unreachable))
        .with_limits(Limits::default().max_payload_bytes(LARGEST).promise(&Capability::ALL))
}

/// How often a case may try that is to fail: where operations meet, chance decides which comes first.
const TRIES: usize = 20;

/// Runs the whole suite on a store with the fault `F`, and sees that at least these cases fail.
pub(crate) async fn is_caught_by<F: Fault>(due: &[&str]) {
    let mut failed = Vec::new();
    for case in cases() {
        for _ in 0..if due.contains(&case.name()) { TRIES } else { 1 } {
            if let Err(failure) = case.run(&harness::<F>()).await {
                println!("{} failed: {failure}", case.name());
                failed.push(case.name());
                break;
            }
        }
    }
    let missed = due.iter().filter(|name| !failed.contains(name)).collect::<Vec<_>>();
    assert!(!due.is_empty() && missed.is_empty(), "not caught by {missed:?}, but by {failed:?}");
}
