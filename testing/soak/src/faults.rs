//! Stores with one fault each, which the checker must find: wrappers around any store that has none.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use clap::ValueEnum;
use cloakroom::{
    Clock, Timestamp,
    store::{
        Capabilities, CreateOutcome, Cursor, Error, ErrorKind, HeadPage, OwnerKey, Owners, Record, Result,
        Store, StoreKey, Touch, UpdateOutcome, Version, VersionedRecord,
    },
};

use crate::{clock::Skewed, history::LIFETIMES_OF_SKEWED_CLOCKS};

/// What a store does wrong; or a worker, where a store has no part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// An update of a record that is gone makes it again.
    UpdateCreates,
    /// An update replaces whatever version is there.
    VersionIgnored,
    /// A create replaces what has the key.
    CreateOverwrites,
    /// A touch of a record that is gone brings it back.
    TouchCreates,
    /// A record is there after it has expired.
    ExpiredVisible,
    /// The owner is not written.
    OwnerForgotten,
    /// What ends a record is acknowledged and not done.
    EndNotFinal,
    /// Every eighth update is acknowledged and not done.
    UpdateForgotten,
    /// Every fourth create is acknowledged and not done.
    CreateForgotten,
    /// A record that was read is read from memory for a while.
    StaleReads,
    /// A revocation is acknowledged and not done.
    RevokeForgotten,
    /// A record of a machine whose clock is ahead is not there for one whose clock is behind.
    FutureDistrusted,
    /// The worker takes what it is to claim.
    ClaimsTake,
    /// The worker removes the queue that it is to take, whatever it holds by then.
    TakesRemoveAll,
    /// The worker removes an index of a list, not the item that it saw there.
    IndexIsBlind,
    /// The worker makes every eighth request twice.
    RequestsTwice,
    /// No fault: every eighth write is done, and its answer is lost. The contract allows that, and nothing may be found.
    AnswersLost,
}

/// A store with a fault.
pub(crate) struct Faulty {
    store: Arc<dyn Store>,
    fault: Fault,
    /// What was seen last under each key, and when.
    memory: Mutex<HashMap<StoreKey, (VersionedRecord, Instant)>>,
    writes: AtomicU64,
    clock: Skewed,
}

impl Faulty {
    pub(crate) fn new(store: Arc<dyn Store>, fault: Fault, clock: Skewed) -> Self {
        Self { store, clock, fault, memory: Mutex::default(), writes: AtomicU64::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Returns whether this is one of every `n` writes with this fault.
    fn strikes(&self, fault: Fault, n: u64) -> bool {
        self.is(fault) && self.writes.fetch_add(1, Ordering::Relaxed) % n == n - 1
    }

    fn remember(&self, key: &StoreKey, stored: &VersionedRecord) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert(key.clone(), (stored.clone(), Instant::now()));
    }

    fn remembered(&self, key: &StoreKey) -> Option<(VersionedRecord, Duration)> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.get(key).map(|(stored, since)| (stored.clone(), since.elapsed()))
    }

    /// Returns whether a record lives for longer than this machine would let it.
    fn distrusts(&self, stored: &VersionedRecord) -> bool {
        let most = self.clock.now() + LIFETIMES_OF_SKEWED_CLOCKS.idle + Duration::from_secs(60);
        self.is(Fault::FutureDistrusted) && stored.record.expires_at > most
    }

    fn written(&self, record: &Record) -> Record {
        let mut record = record.clone();
        if self.is(Fault::OwnerForgotten) {
            record.owner = None;
        }
        record
    }

    fn answer<T>(&self, answer: T) -> Result<T> {
        if self.strikes(Fault::AnswersLost, 8) {
            return Err(Error::new(ErrorKind::Unavailable, "the answer is lost"));
        }
        Ok(answer)
    }

    /// What a load finds although it is gone.
    async fn ghost(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let Some((mut stored, _)) = self.remembered(key) else { return Ok(None) };
        let now = Timestamp::now();
        match touch {
            _ if self.is(Fault::ExpiredVisible) && !stored.record.is_live(now) => Ok(Some(stored)),
            Some(touch) if self.is(Fault::TouchCreates) => {
                stored.record.expires_at = touch.expires_at;
                match self.store.create(key, &stored.record).await? {
                    CreateOutcome::Created(version) => Ok(Some(VersionedRecord::new(stored.record, version))),
                    CreateOutcome::AlreadyExists | CreateOutcome::Revoked => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("fault", &self.fault).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for Faulty {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        if self.is(Fault::StaleReads)
            && let Some((stored, age)) = self.remembered(key)
            && age < Duration::from_millis(500)
        {
            return Ok(Some(stored));
        }
        match self.store.load(key, touch).await?.filter(|stored| !self.distrusts(stored)) {
            Some(stored) => {
                self.remember(key, &stored);
                Ok(Some(stored))
            }
            None => self.ghost(key, touch).await,
        }
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        if self.strikes(Fault::CreateForgotten, 4) {
            return Ok(CreateOutcome::Created(Version::new(1)));
        }
        let record = self.written(record);
        let created = self.store.create(key, &record).await?;
        if self.is(Fault::CreateOverwrites) && created == CreateOutcome::AlreadyExists {
            self.store.delete(key).await?;
            return self.store.create(key, &record).await;
        }
        self.answer(created)
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        let ends = !record.is_live(Timestamp::now());
        if (ends && self.is(Fault::EndNotFinal)) || (!ends && self.strikes(Fault::UpdateForgotten, 8)) {
            return Ok(UpdateOutcome::Updated(expected));
        }
        let record = self.written(record);
        let mut updated = self.store.update(key, expected, &record).await?;
        while let (UpdateOutcome::Conflict(there), Fault::VersionIgnored) = (&updated, self.fault) {
            updated = self.store.update(key, there.version, &record).await?;
        }
        if self.is(Fault::UpdateCreates)
            && updated == UpdateOutcome::NotFound
            && let CreateOutcome::Created(version) = self.store.create(key, &record).await?
        {
            return Ok(UpdateOutcome::Updated(version));
        }
        self.answer(updated)
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.store.touch(key, expires_at).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        if self.is(Fault::EndNotFinal) {
            return self.store.load(key, None).await;
        }
        let deleted = self.store.delete(key).await?;
        self.answer(deleted)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        let mut capabilities = self.store.capabilities();
        // Answers at once would pass by this store.
        capabilities.immediate = None;
        if capabilities.owners.is_some() { capabilities.with_owners(self) } else { capabilities }
    }
}

#[async_trait]
impl Owners for Faulty {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        match self.store.capabilities().owners {
            Some(owners) => owners.list(owner, after, limit).await,
            None => Ok(HeadPage::new(Vec::new(), None)),
        }
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        match self.store.capabilities().owners.filter(|_| !self.is(Fault::RevokeForgotten)) {
            Some(owners) => owners.revoke(owner, at).await,
            None => Ok(0),
        }
    }
}
