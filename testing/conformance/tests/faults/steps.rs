//! Faults of atomicity: what should be one step is two, and anything may happen between them.

use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_conformance::{Reference, heads_of};
use cloakroom_store::*;

use crate::faulty::Fault;
use crate::owners::anyone_s;

/// Lets others go on, for longer and shorter times by turns.
pub(crate) async fn meanwhile() {
    static TURN: AtomicU64 = AtomicU64::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    for _ in 0..=turn * 7 % 16 {
        tokio::task::yield_now().await;
    }
}

#[derive(Debug, Default)]
pub(crate) struct CreateIsTwoSteps;
#[async_trait]
impl Fault for CreateIsTwoSteps {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        if s.load(key, None).await?.is_some() {
            return Ok(CreateOutcome::AlreadyExists);
        }
        meanwhile().await;
        s.delete(key).await?;
        s.create(key, record).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateIsTwoSteps;
#[async_trait]
impl Fault for UpdateIsTwoSteps {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        match s.load(key, None).await? {
            Some(stored) if stored.version == expected => {}
            _ => return s.update(key, expected, record).await,
        }
        meanwhile().await;
        let version = s.load(key, None).await?.map_or(expected, |stored| stored.version);
        s.update(key, version, record).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct DeleteIsTwoSteps;
#[async_trait]
impl Fault for DeleteIsTwoSteps {
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let deleted = s.load(key, None).await?;
        meanwhile().await;
        s.delete(key).await?;
        Ok(deleted)
    }
}

/// Reads the record, and writes all of it back with another expiry.
#[derive(Debug, Default)]
pub(crate) struct TouchIsTwoSteps;
#[async_trait]
impl Fault for TouchIsTwoSteps {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let Some(mut stored) = s.load(key, None).await? else { return Ok(false) };
        meanwhile().await;
        stored.record.expires_at = stored.record.expires_at.max(expires_at);
        s.reach_inside(|inside| inside.records.insert(key.clone(), stored));
        Ok(true)
    }
}

/// A file for all records: read, changed, written.
#[derive(Debug, Default)]
pub(crate) struct AllRecordsAreWrittenTogether;
#[async_trait]
impl Fault for AllRecordsAreWrittenTogether {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let mut records = s.reach_inside(|inside| inside.records.clone());
        meanwhile().await;
        let created = s.create(key, record).await?;
        s.reach_inside(|inside| {
            records
                .extend(inside.records.get_key_value(key).map(|(key, stored)| (key.clone(), stored.clone())));
            inside.records = records;
        });
        Ok(created)
    }
}

/// The expiry after the rest.
#[derive(Debug, Default)]
pub(crate) struct UpdateWritesPartAfterPart;
#[async_trait]
impl Fault for UpdateWritesPartAfterPart {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        let updated = match s.load(key, None).await? {
            Some(VersionedRecord { record: old, .. }) => {
                s.update(key, expected, &record.clone().with_expires_at(old.expires_at)).await?
            }
            None => UpdateOutcome::NotFound,
        };
        meanwhile().await;
        if let UpdateOutcome::Updated(version) = updated {
            let now = s.now();
            s.reach_inside(|inside| {
                let stored = inside.live_mut(key, now).filter(|stored| stored.version == version);
                stored.map(|stored| stored.record = record.clone())
            });
        }
        Ok(updated)
    }
}

/// The owner after the rest.
#[derive(Debug, Default)]
pub(crate) struct CreateWritesPartAfterPart;
#[async_trait]
impl Fault for CreateWritesPartAfterPart {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let created = s.create(key, &record.clone().with_owner(None)).await?;
        meanwhile().await;
        if matches!(created, CreateOutcome::Created(_)) {
            let now = s.now();
            s.reach_inside(|inside| inside.live_mut(key, now).map(|stored| stored.record = record.clone()));
        }
        Ok(created)
    }
}

/// The owner's list first, the record after it.
#[derive(Debug, Default)]
pub(crate) struct DeleteRemovesPartAfterPart;
#[async_trait]
impl Fault for DeleteRemovesPartAfterPart {
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let deleted = s.load(key, None).await?;
        s.reach_inside(|inside| inside.records.get_mut(key).map(|stored| stored.record.owner = None));
        meanwhile().await;
        Ok(s.delete(key).await?.and(deleted))
    }
}

/// Looks which records are the owner's, and removes those.
#[derive(Debug, Default)]
pub(crate) struct RevokeIsTwoSteps;
#[async_trait]
impl Fault for RevokeIsTwoSteps {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let theirs = heads_of(s, owner).await?;
        meanwhile().await;
        let mut revoked = 0;
        for head in theirs.iter().filter(|head| head.logged_in_at <= at) {
            revoked += u64::from(s.delete(&head.key).await?.is_some());
        }
        s.reach_inside(|inside| {
            let last = inside.revocations.entry(owner.clone()).or_insert(at);
            *last = at.max(*last);
        });
        Ok(revoked)
    }
}

/// Looks which records are the owner's, and loads those.
#[derive(Debug, Default)]
pub(crate) struct ListIsTwoSteps;
#[async_trait]
impl Fault for ListIsTwoSteps {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let mut page = s.list(owner, after, limit).await?;
        let mut listed = Vec::new();
        for head in page.heads.drain(..) {
            meanwhile().await;
            let loaded = s.load(&head.key, None).await?;
            listed.extend(loaded.map(|stored| anyone_s(Entry::new(head.key, stored))));
        }
        page.heads = listed;
        Ok(page)
    }
}
