//! A store asked through its ability to answer without waiting.

use cloakroom_store::{
    Abilities, Clock as _, Created, Error, ErrorKind, Immediate, ManualClock, Record, Result, Store,
    StoreKey, Stored, Timestamp, Touch, Updated, Version, async_trait,
};

/// Answers loads, creates and updates through the [`Immediate`] ability of a store, so that the suite tests that too.
///
/// The rest goes to the store itself, as a caller may use both. Without the ability those calls fail.
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
        let immediate = self.store.abilities().immediate;
        immediate.ok_or_else(|| Error::new(ErrorKind::Other, "the store has no ability `Immediate`"))
    }
}

#[async_trait]
impl<S: Store> Store for Immediately<S> {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<Stored>> {
        self.immediate()?.load(key, touch, self.clock.now())
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created> {
        self.immediate()?.create(key, record, self.clock.now())
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<Updated> {
        self.immediate()?.update(key, expected, record, self.clock.now())
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.store.touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<Stored>> {
        self.store.delete(key).await
    }
    fn abilities(&self) -> Abilities<'_> {
        self.store.abilities()
    }
}
