//! Faults of `create`, `update` and `delete`.

use cloakroom_conformance::Reference;
use cloakroom_store::*;

use crate::faulty::Fault;
use crate::graveyard::Graveyard;

#[derive(Debug, Default)]
pub(crate) struct UpdateCreates;
#[async_trait]
impl Fault for UpdateCreates {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        match s.update(key, expected, record).await? {
            UpdateOutcome::NotFound => {
                Ok(UpdateOutcome::Updated(s.reach_inside(|inside| inside.put(key, record))))
            }
            other => Ok(other),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateIgnoresTheVersion;
#[async_trait]
impl Fault for UpdateIgnoresTheVersion {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        match s.update(key, expected, record).await? {
            UpdateOutcome::Conflict(stored) => s.update(key, stored.version, record).await,
            other => Ok(other),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct ConflictCarriesYourOwnRecord;
#[async_trait]
impl Fault for ConflictCarriesYourOwnRecord {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        match s.update(key, expected, record).await? {
            UpdateOutcome::Conflict(VersionedRecord { version, .. }) => {
                Ok(UpdateOutcome::Conflict(VersionedRecord::new(record.clone(), version)))
            }
            other => Ok(other),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateWithoutAChangeKeepsTheVersion;
#[async_trait]
impl Fault for UpdateWithoutAChangeKeepsTheVersion {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        match s.load(key, None).await? {
            Some(stored) if stored.version == expected && stored.record == *record => {
                Ok(UpdateOutcome::Updated(expected))
            }
            _ => s.update(key, expected, record).await,
        }
    }
}

/// Changes the record that an update is about to write, given the one that is there.
async fn update_with(
    s: &Reference,
    key: &StoreKey,
    expected: Version,
    record: &Record,
    change: impl Fn(&mut Record, Record) + Send,
) -> Result<UpdateOutcome> {
    let mut written = record.clone();
    if let Some(stored) = s.load(key, None).await? {
        change(&mut written, stored.record);
    }
    s.update(key, expected, &written).await
}

#[derive(Debug, Default)]
pub(crate) struct UpdateNeverShortensTheExpiry;
#[async_trait]
impl Fault for UpdateNeverShortensTheExpiry {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        update_with(s, key, expected, record, |new, old| new.expires_at = new.expires_at.max(old.expires_at))
            .await
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateKeepsTheExpiry;
#[async_trait]
impl Fault for UpdateKeepsTheExpiry {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        update_with(s, key, expected, record, |new, old| new.expires_at = old.expires_at).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateKeepsTheOwner;
#[async_trait]
impl Fault for UpdateKeepsTheOwner {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        update_with(s, key, expected, record, |new, old| new.owner = old.owner).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateKeepsWhetherItSlides;
#[async_trait]
impl Fault for UpdateKeepsWhetherItSlides {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        update_with(s, key, expected, record, |new, old| new.sliding = old.sliding).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateLeavesTheTailOfALongerPayload;
#[async_trait]
impl Fault for UpdateLeavesTheTailOfALongerPayload {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        update_with(s, key, expected, record, |new, old| {
            let tail = old.payload.get(new.payload.len()..).unwrap_or_default();
            new.payload = [&new.payload, tail].concat().into();
        })
        .await
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateWritesEveryRecord;
#[async_trait]
impl Fault for UpdateWritesEveryRecord {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        let updated = s.update(key, expected, record).await?;
        if let UpdateOutcome::Updated(_) = updated {
            s.reach_inside(|inside| {
                inside.records.values_mut().for_each(|stored| stored.record = record.clone());
            });
        }
        Ok(updated)
    }
}

#[derive(Debug, Default)]
pub(crate) struct CreateOverwrites;
#[async_trait]
impl Fault for CreateOverwrites {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        match s.create(key, record).await? {
            CreateOutcome::AlreadyExists => {
                Ok(CreateOutcome::Created(s.reach_inside(|inside| inside.put(key, record))))
            }
            other => Ok(other),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct CreateAnswersTakenAndOverwrites;
#[async_trait]
impl Fault for CreateAnswersTakenAndOverwrites {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let created = s.create(key, record).await?;
        if created == CreateOutcome::AlreadyExists {
            s.reach_inside(|inside| inside.put(key, record));
        }
        Ok(created)
    }
}

#[derive(Debug, Default)]
pub(crate) struct CreateRemovesAnotherRecord;
#[async_trait]
impl Fault for CreateRemovesAnotherRecord {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        s.reach_inside(|inside| inside.records.retain(|other, _| other == key));
        s.create(key, record).await
    }
}

/// Room for 80 records: the first goes when another comes.
#[derive(Debug, Default)]
pub(crate) struct CreateEvictsARecord;
#[async_trait]
impl Fault for CreateEvictsARecord {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        s.reach_inside(|inside| {
            if inside.records.len() >= 80 {
                inside.records.pop_first();
            }
        });
        s.create(key, record).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct CreateRefusesAKeyThatWasDeleted(Graveyard);
#[async_trait]
impl Fault for CreateRefusesAKeyThatWasDeleted {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        if self.0.holds(key) { Ok(CreateOutcome::AlreadyExists) } else { s.create(key, record).await }
    }
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.0.delete(s, key).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct DeleteDoesNothing;
#[async_trait]
impl Fault for DeleteDoesNothing {
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        s.load(key, None).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct DeleteHandsNothingBack;
#[async_trait]
impl Fault for DeleteHandsNothingBack {
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        s.delete(key).await.map(|_| None)
    }
}

#[derive(Debug, Default)]
pub(crate) struct DeleteOfNothingIsAnError;
#[async_trait]
impl Fault for DeleteOfNothingIsAnError {
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let deleted = s.delete(key).await?;
        deleted.map(Some).ok_or_else(|| Error::new(ErrorKind::Other, "nothing to delete"))
    }
}

#[derive(Debug, Default)]
pub(crate) struct DeleteRemovesEverything;
#[async_trait]
impl Fault for DeleteRemovesEverything {
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let deleted = s.delete(key).await?;
        s.reach_inside(|inside| inside.records.clear());
        Ok(deleted)
    }
}

#[derive(Debug, Default)]
pub(crate) struct DeleteIsUndoneByAnUpdate(Graveyard);
#[async_trait]
impl Fault for DeleteIsUndoneByAnUpdate {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        self.0.resurrect(s, key);
        s.update(key, expected, record).await
    }
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.0.delete(s, key).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct DeleteIsUndoneByATouch(Graveyard);
#[async_trait]
impl Fault for DeleteIsUndoneByATouch {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.0.resurrect(s, key);
        s.touch(key, expires_at).await
    }
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.0.delete(s, key).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct DeleteIsUndoneByALoadWithATouch(Graveyard);
#[async_trait]
impl Fault for DeleteIsUndoneByALoadWithATouch {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        if touch.is_some() {
            self.0.resurrect(s, key);
        }
        s.load(key, touch).await
    }
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.0.delete(s, key).await
    }
}
