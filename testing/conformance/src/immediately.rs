//! A store asked through its capability to answer without waiting.

use cloakroom_store::{
    Capabilities, Clock as _, CreateOutcome, Error, ErrorKind, Immediate, ManualClock, Record, Result, Store,
    StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};

/// Answers loads, creates and updates through the [`Immediate`] capability of a store, so that the suite tests that too.
///
/// The rest goes to the store itself, as a caller may use both. Without the capability those calls fail.
///
/// ```
/// use cloakroom_conformance::{Immediately, ManualHarness};
/// use cloakroom_store::{ManualClock, Store};
///
/// fn harness<S: Store>(open: impl Fn(ManualClock) -> S) -> ManualHarness {
///     ManualHarness::new(|clock| Immediately::new(open(clock.clone()), clock))
/// }
/// ```
#[derive(Debug)]
pub struct Immediately<S> {
    store: S,
    clock: ManualClock,
}

impl<S: Store> Immediately<S> {
    /// Asks `store` without waiting, and gives it the time of `clock`.
    pub fn new(store: S, clock: ManualClock) -> Self {
        Self { store, clock }
    }

    fn immediate(&self) -> Result<&dyn Immediate> {
        let immediate = self.store.capabilities().immediate;
        immediate.ok_or_else(|| Error::new(ErrorKind::Other, "the store has no capability `Immediate`"))
    }
}

#[async_trait]
impl<S: Store> Store for Immediately<S> {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.immediate()?.load(key, touch, self.clock.now())
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.immediate()?.create(key, record, self.clock.now())
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.immediate()?.update(key, expected, record, self.clock.now())
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.store.touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.store.delete(key).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        self.store.capabilities()
    }
}
