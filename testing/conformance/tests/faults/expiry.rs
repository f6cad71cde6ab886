//! Faults about what has expired, and when.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use cloakroom_conformance::Reference;
use cloakroom_store::*;

use crate::faulty::Fault;

/// What is there, expired or not.
fn raw(s: &Reference, key: &StoreKey) -> Option<VersionedRecord> {
    s.reach_inside(|inside| inside.records.get(key).cloned())
}

/// Makes an expired record live again.
fn revive(s: &Reference, key: &StoreKey) {
    let now = s.now();
    s.reach_inside(|inside| {
        if let Some(stored) = inside.records.get_mut(key).filter(|stored| !stored.record.is_live(now)) {
            stored.record.expires_at = now + Duration::from_secs(1);
        }
    });
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToLoad;
#[async_trait]
impl Fault for ExpiredIsVisibleToLoad {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        Ok(s.load(key, touch).await?.or_else(|| raw(s, key)))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredComesBackByALoadWithATouch;
#[async_trait]
impl Fault for ExpiredComesBackByALoadWithATouch {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        if touch.is_some() {
            revive(s, key);
        }
        s.load(key, touch).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToCreate;
#[async_trait]
impl Fault for ExpiredIsVisibleToCreate {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        if raw(s, key).is_some() { Ok(CreateOutcome::AlreadyExists) } else { s.create(key, record).await }
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToUpdate;
#[async_trait]
impl Fault for ExpiredIsVisibleToUpdate {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        revive(s, key);
        s.update(key, expected, record).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToTouch;
#[async_trait]
impl Fault for ExpiredIsVisibleToTouch {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        revive(s, key);
        s.touch(key, expires_at).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToDelete;
#[async_trait]
impl Fault for ExpiredIsVisibleToDelete {
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        revive(s, key);
        s.delete(key).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToScan;
#[async_trait]
impl Fault for ExpiredIsVisibleToScan {
    async fn scan(&self, s: &Reference, _: Option<&Cursor>, _: usize) -> Result<Page> {
        Ok(Page::new(all(s).await?, None))
    }
}

/// Every record, expired or not.
async fn all(s: &Reference) -> Result<Vec<Entry>> {
    s.count().await?; // fails if the store cannot look
    Ok(s.reach_inside(|inside| {
        let entry = |(key, stored): (&StoreKey, &VersionedRecord)| Entry::new(key.clone(), stored.clone());
        inside.records.iter().map(entry).collect()
    }))
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToCount;
#[async_trait]
impl Fault for ExpiredIsVisibleToCount {
    async fn count(&self, s: &Reference) -> Result<u64> {
        Ok(all(s).await?.len() as u64)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToClear;
#[async_trait]
impl Fault for ExpiredIsVisibleToClear {
    async fn clear(&self, s: &Reference) -> Result<u64> {
        let count = all(s).await?.len() as u64;
        s.clear().await?;
        Ok(count)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToList;
#[async_trait]
impl Fault for ExpiredIsVisibleToList {
    async fn list(&self, s: &Reference, owner: &OwnerKey, _: Option<&Cursor>, _: usize) -> Result<HeadPage> {
        let theirs = |entry: &Entry| entry.stored.record.owner.as_ref().is_some_and(|of| of.key == *owner);
        let theirs = all(s).await?.into_iter().filter(theirs);
        Ok(HeadPage::new(theirs.filter_map(RecordHead::of).collect(), None))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExpiredIsVisibleToRevoke;
#[async_trait]
impl Fault for ExpiredIsVisibleToRevoke {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        for entry in all(s).await? {
            revive(s, &entry.key);
        }
        s.revoke(owner, at).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct GoneAMicrosecondTooEarly;
#[async_trait]
impl Fault for GoneAMicrosecondTooEarly {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let soon = s.now() + Duration::from_micros(1);
        Ok(s.load(key, touch).await?.filter(|stored| stored.record.is_live(soon)))
    }
}

#[derive(Debug, Default)]
pub(crate) struct GoneAMicrosecondTooLate;
#[async_trait]
impl Fault for GoneAMicrosecondTooLate {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let just_now = s.now() - Duration::from_micros(1);
        let loaded = s.load(key, touch).await?;
        Ok(loaded.or_else(|| raw(s, key).filter(|stored| stored.record.is_live(just_now))))
    }
}

#[derive(Debug, Default)]
pub(crate) struct WrittenPastItsExpiryItLivesOn;
#[async_trait]
impl Fault for WrittenPastItsExpiryItLivesOn {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        s.create(key, &later(s, record)).await
    }
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        s.update(key, expected, &later(s, record)).await
    }
}
fn later(s: &Reference, record: &Record) -> Record {
    record.clone().with_expires_at(record.expires_at.max(s.now() + Duration::from_secs(1)))
}

#[derive(Debug, Default)]
pub(crate) struct ExpiryInMilliseconds;
impl Fault for ExpiryInMilliseconds {
    fn record(&self, record: &Record) -> Record {
        record.clone().with_expires_at(Timestamp::from_millis(record.expires_at.as_millis()))
    }
}

/// Seconds in 32 bits: the year 2106 is the end.
#[derive(Debug, Default)]
pub(crate) struct ExpiryIn32Bits;
impl Fault for ExpiryIn32Bits {
    fn record(&self, record: &Record) -> Record {
        let end = Timestamp::from_millis(u64::from(u32::MAX) * 1_000);
        record.clone().with_expires_at(record.expires_at.min(end))
    }
}

/// A server that counts for itself, and learns the expiry only when the record is created.
#[derive(Debug, Default)]
pub(crate) struct ServersOwnExpiryIsNeverMoved(Mutex<BTreeMap<StoreKey, Timestamp>>);
#[async_trait]
impl Fault for ServersOwnExpiryIsNeverMoved {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.0.lock().unwrap().insert(key.clone(), record.expires_at);
        s.create(key, record).await
    }
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let expired = self.0.lock().unwrap().get(key).is_some_and(|expiry| *expiry <= s.now());
        Ok(s.load(key, touch).await?.filter(|_| !expired))
    }
}

#[derive(Debug, Default)]
pub(crate) struct NeverStaysNever;
#[async_trait]
impl Fault for NeverStaysNever {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        let never =
            s.load(key, None).await?.is_some_and(|stored| stored.record.expires_at == Timestamp::NEVER);
        let expires_at = if never { Timestamp::NEVER } else { record.expires_at };
        s.update(key, expected, &record.clone().with_expires_at(expires_at)).await
    }
}
