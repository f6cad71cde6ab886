//! Load, create, update, touch and delete, each a single command unless something came in between.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cloakroom_store::{
    CreateOutcome, Record, StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
};
use mongodb::options::{ReadConcern, ReturnDocument};

use crate::error::Failure;
use crate::layout::{exactly, free, later, live, stored, with_owner};
use crate::server::Server;

/// How often a write is begun again because another got into its way. Each time, the other has got on.
pub(crate) const TRIES: u32 = 64;
/// How long the other is waited for, at most.
const LONGEST_WAIT: Duration = Duration::from_millis(20);

impl Server {
    /// Loads, and moves the expiry if that is due, which is seldom and a trip of its own. A load without a touch
    /// must return what a majority has confirmed.
    pub(crate) async fn load(
        &self,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>, Failure> {
        let now = self.now();
        for failed in 0..TRIES {
            wait_after(failed).await;
            let found = if touch.is_some() {
                self.find(key, now, self.loads.clone()).await?
            } else {
                self.look(key, now).await?
            };
            let Some(stored) = found else { return Ok(None) };
            let Some(moved) = touch.and_then(|touch| touch.extended_expiry(&stored.record)) else {
                return Ok(Some(stored));
            };
            // Of the version that was seen: another may be one that does not slide.
            let (filter, update) = (exactly(key, now, stored.version), later(now, moved, self.slack));
            let touched = self.records.find_one_and_update(filter, update);
            match self.ask(touched.return_document(ReturnDocument::After)).await {
                Ok(Some(document)) => return Ok(Some(crate::layout::stored(document)?)),
                Ok(None) => {}
                Err(failure) => {
                    return Ok(self
                        .missed_touches
                        .or_unmoved(Err::<Option<VersionedRecord>, _>(failure), stored));
                }
            }
        }
        Err(Failure::CROWDED)
    }

    pub(crate) async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome, Failure> {
        for failed in 0..TRIES {
            wait_after(failed).await;
            let now = self.now();
            let created = match &record.owner {
                Some(owner) => self.create_owned(key, record, owner, now).await?,
                None => self.create_unowned(key, record, now).await?,
            };
            if let Some(answer) = created {
                return Ok(answer);
            }
            if self.find(key, now, ReadConcern::local()).await?.is_some() {
                return Ok(CreateOutcome::AlreadyExists);
            }
        }
        Err(Failure::CROWDED)
    }

    /// `None` if something was in the slot, which may be gone by now.
    async fn create_unowned(
        &self,
        key: &StoreKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Option<CreateOutcome>, Failure> {
        let placed = self.placed(record, now);
        let update = self.records.update_one(free(key, now), placed.replace()).upsert(true);
        match self.ask(update).await {
            Ok(_) => Ok(Some(CreateOutcome::Created(placed.version))),
            Err(failure) if failure.is_duplicate() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub(crate) async fn update(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome, Failure> {
        let now = self.now();
        if let Some(version) = self.replace(key, expected, record, now).await? {
            return Ok(UpdateOutcome::Updated(version));
        }
        for failed in 0..TRIES {
            wait_after(failed).await;
            let found = self.find(key, now, ReadConcern::local()).await?;
            let Some(stored) = found else { return Ok(UpdateOutcome::NotFound) };
            if stored.version != expected {
                return Ok(UpdateOutcome::Conflict(stored));
            }
            // The version is right, so the owner is another, or since another moment.
            let Some(owner) = &record.owner else { return Err(Failure::CROWDED) };
            if let Some(answer) = self.update_owner(key, expected, record, owner, now).await? {
                return Ok(answer);
            }
        }
        Err(Failure::CROWDED)
    }

    /// Replaces a record, unless an owner comes in that it did not have.
    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Option<Version>, Failure> {
        let placed = self.placed(record, now);
        let filter = exactly(key, now, expected);
        let filter = match &record.owner {
            Some(owner) => with_owner(filter, owner),
            None => filter,
        };
        let replaced = self.ask(self.records.update_one(filter, placed.replace())).await?;
        Ok((replaced.matched_count > 0).then_some(placed.version))
    }

    pub(crate) async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool, Failure> {
        let now = self.now();
        let update = self.records.update_one(live(key, now), later(now, expires_at, self.slack));
        Ok(self.ask(update).await?.matched_count > 0)
    }

    pub(crate) async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>, Failure> {
        let found = self.ask(self.records.find_one_and_delete(live(key, self.now()))).await?;
        found.map(stored).transpose()
    }

    /// Returns the live record under a key, which no crash and no failover takes back: waits until a majority has it. A
    /// server that is alone knows no majority.
    pub(crate) async fn look(
        &self,
        key: &StoreKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, Failure> {
        if !self.is_alone.load(Ordering::Relaxed) {
            match self.find(key, now, ReadConcern::linearizable()).await {
                Err(failure) if failure.is_of_no_replica_set() => {
                    self.is_alone.store(true, Ordering::Relaxed);
                }
                found => return found,
            }
        }
        self.find(key, now, ReadConcern::local()).await
    }

    /// Returns the live record under a key, as sure as `concern` makes it.
    async fn find(
        &self,
        key: &StoreKey,
        now: Timestamp,
        concern: ReadConcern,
    ) -> Result<Option<VersionedRecord>, Failure> {
        self.ask(self.records.find_one(live(key, now)).read_concern(concern)).await?.map(stored).transpose()
    }
}

/// Waits before another try: not at all at first, then longer each time.
pub(crate) async fn wait_after(failed: u32) {
    if failed > 0 {
        tokio::time::sleep(Duration::from_millis(failed.into()).min(LONGEST_WAIT)).await;
    }
}
