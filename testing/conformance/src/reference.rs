//! The contract as a program: as short as it gets, with every capability.

mod capabilities;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use cloakroom_store::{
    Capabilities, Clock, CreateOutcome, Error, ErrorKind, OwnerKey, Record, Result, ServerClock, Store,
    StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};

/// A store in memory that keeps the contract to the letter and nothing else: no speed, no limit.
///
/// For comparing a store with, and for testing what uses a store. Its clones are handles on the same records.
///
/// ```
/// use cloakroom_conformance::Reference;
/// use cloakroom_store::{ManualClock, Record, Store, StoreKey, Timestamp};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cloakroom_store::Result<()> {
/// let store = Reference::new(ManualClock::at(Timestamp::from_millis(1_000)));
/// let key = StoreKey::from_bytes(b"a key")?;
/// let _created = store.create(&key, &Record::new("coat", Timestamp::from_millis(2_000))).await?;
/// assert_eq!(store.load(&key, None).await?.unwrap().record.payload, "coat");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Reference {
    clock: Arc<dyn Clock>,
    inside: Arc<Mutex<Inside>>,
}

/// What a [`Reference`] holds.
///
/// No key, payload or owner is shown by `Debug`.
#[derive(Default)]
#[non_exhaustive]
pub struct Inside {
    /// Every record, expired ones too until they are swept.
    pub records: BTreeMap<StoreKey, VersionedRecord>,
    /// The latest revocation of each owner.
    pub revocations: BTreeMap<OwnerKey, Timestamp>,
    /// The number of the version given last; all keys share the count.
    pub last_version: u64,
    /// If set, a payload of more bytes is refused.
    pub max_payload_bytes: Option<usize>,
    /// If set, every method fails with this kind of error.
    pub outage: Option<ErrorKind>,
}

impl Reference {
    /// Makes an empty store that goes by `clock`.
    pub fn new(clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), inside: Arc::default() }
    }

    /// Refuses payloads of more bytes than that.
    #[must_use]
    pub fn with_max_payload_bytes(self, bytes: usize) -> Self {
        self.reach_inside(|inside| inside.max_payload_bytes = Some(bytes));
        self
    }

    /// Makes every method fail with this kind of error from now on; `None` ends that.
    pub fn fail_with(&self, outage: Option<ErrorKind>) {
        self.reach_inside(|inside| inside.outage = outage);
    }

    /// Reaches behind the contract, for tests that need a store in a state which no method leads to.
    ///
    /// # Panics
    /// If `f` calls a method of this store.
    pub fn reach_inside<T>(&self, f: impl FnOnce(&mut Inside) -> T) -> T {
        f(&mut self.lock())
    }

    /// Returns the present moment, on the store's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One atomic step that keeps `record`.
    fn write<T>(&self, record: &Record, step: impl FnOnce(&mut Inside, Timestamp) -> T) -> Result<T> {
        let largest = self.lock().max_payload_bytes;
        if largest.is_some_and(|largest| record.payload.len() > largest) {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "the payload is larger than this store is configured to keep",
            ));
        }
        self.step(step)
    }

    /// One atomic step: runs `step` at the present moment, unless there is an outage.
    fn step<T>(&self, step: impl FnOnce(&mut Inside, Timestamp) -> T) -> Result<T> {
        let mut inside = self.lock();
        match inside.outage {
            Some(kind) => Err(Error::new(kind, "the reference store is set to fail")),
            None => Ok(step(&mut inside, self.clock.now())),
        }
    }
}

impl Inside {
    /// Returns the live record under `key`.
    pub fn live(&self, key: &StoreKey, now: Timestamp) -> Option<&VersionedRecord> {
        self.records.get(key).filter(|stored| stored.record.is_live(now))
    }

    /// Returns the live record under `key`, to change it in place.
    pub fn live_mut(&mut self, key: &StoreKey, now: Timestamp) -> Option<&mut VersionedRecord> {
        self.records.get_mut(key).filter(|stored| stored.record.is_live(now))
    }

    /// Keeps `record` under `key`, whatever is there, and gives it a version.
    pub fn put(&mut self, key: &StoreKey, record: &Record) -> Version {
        self.last_version += 1;
        let version = Version::new(self.last_version);
        self.records.insert(key.clone(), VersionedRecord::new(record.clone(), version));
        version
    }

    /// Returns whether the record's owner was revoked at or after the record's `logged_in_at`.
    pub fn is_revoked(&self, record: &Record) -> bool {
        let owner = record.owner.as_ref();
        owner
            .is_some_and(|owner| self.revocations.get(&owner.key).is_some_and(|at| owner.logged_in_at <= *at))
    }
}

#[async_trait]
impl Store for Reference {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.step(|inside, now| {
            let stored = inside.live_mut(key, now)?;
            if let Some(later) = touch.and_then(|touch| touch.extended_expiry(&stored.record)) {
                stored.record.expires_at = later;
            }
            Some(stored.clone())
        })
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.write(record, |inside, now| {
            if inside.live(key, now).is_some() {
                CreateOutcome::AlreadyExists
            } else if inside.is_revoked(record) {
                CreateOutcome::Revoked
            } else {
                CreateOutcome::Created(inside.put(key, record))
            }
        })
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.write(record, |inside, now| match inside.live(key, now) {
            None => UpdateOutcome::NotFound,
            Some(stored) if stored.version != expected => UpdateOutcome::Conflict(stored.clone()),
            Some(_) if inside.is_revoked(record) => UpdateOutcome::Revoked,
            Some(_) => UpdateOutcome::Updated(inside.put(key, record)),
        })
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.step(|inside, now| {
            let stored = inside.live_mut(key, now);
            stored.map(|stored| stored.record.expires_at = stored.record.expires_at.max(expires_at)).is_some()
        })
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.step(|inside, now| inside.records.remove(key).filter(|stored| stored.record.is_live(now)))
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE.with_sweep(self).with_scan(self).with_owners(self).with_server_clock(self)
    }
}

/// Its clock is that of all engines that share it.
#[async_trait]
impl ServerClock for Reference {
    async fn now(&self) -> Result<Timestamp> {
        Ok(self.clock.now())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("inside", &*self.lock()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inside")
            .field("records", &self.records.len())
            .field("revocations", &self.revocations.len())
            .field("last_version", &self.last_version)
            .field("max_payload_bytes", &self.max_payload_bytes)
            .field("outage", &self.outage)
            .finish()
    }
}
