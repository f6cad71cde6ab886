//! Faults of lists and revocations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use cloakroom_conformance::{Reference, heads_of};
use cloakroom_store::*;

use crate::faulty::Fault;
use crate::graveyard::Graveyard;

/// Makes the head of a record of any owner, or of none.
pub(crate) fn anyone_s(entry: Entry) -> RecordHead {
    let (key, VersionedRecord { record, version, .. }) = (entry.key, entry.stored);
    let since = record.owner.map_or(Timestamp::EPOCH, |owner| owner.logged_in_at);
    RecordHead::new(key, version, since, record.expires_at, record.sliding, record.payload)
}

/// An index from owner to keys that an update forgets about.
#[derive(Debug, Default)]
pub(crate) struct OwnerIndexIsWrittenByCreateOnly(Mutex<BTreeMap<OwnerKey, BTreeSet<StoreKey>>>);
#[async_trait]
impl Fault for OwnerIndexIsWrittenByCreateOnly {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        if let Some(owner) = &record.owner {
            self.0.lock().unwrap().entry(owner.key.clone()).or_default().insert(key.clone());
        }
        s.create(key, record).await
    }
    async fn list(&self, s: &Reference, owner: &OwnerKey, _: Option<&Cursor>, _: usize) -> Result<HeadPage> {
        let keys = self.0.lock().unwrap().get(owner).cloned().unwrap_or_default();
        let mut all = s.scan(None, usize::MAX).await?.entries;
        all.retain(|entry| keys.contains(&entry.key));
        Ok(HeadPage::new(all.into_iter().map(anyone_s).collect(), None))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListLosesWhatWasUpdated(Graveyard);
#[async_trait]
impl Fault for ListLosesWhatWasUpdated {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        if let Some(stored) = s.load(key, None).await? {
            self.0.bury(key, &stored);
        }
        s.update(key, expected, record).await
    }
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let mut page = s.list(owner, after, limit).await?;
        page.heads.retain(|head| !self.0.holds(&head.key));
        Ok(page)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListEndsAfter100;
#[async_trait]
impl Fault for ListEndsAfter100 {
    async fn list(&self, s: &Reference, owner: &OwnerKey, _: Option<&Cursor>, _: usize) -> Result<HeadPage> {
        Ok(HeadPage::new(heads_of(s, owner).await?.into_iter().take(100).collect(), None))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListHasEachRecordTwice;
#[async_trait]
impl Fault for ListHasEachRecordTwice {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let HeadPage { heads, next, .. } = s.list(owner, after, limit).await?;
        Ok(HeadPage::new([heads.clone(), heads].concat(), next))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListHasEverybodysRecords;
#[async_trait]
impl Fault for ListHasEverybodysRecords {
    async fn list(&self, s: &Reference, _: &OwnerKey, _: Option<&Cursor>, _: usize) -> Result<HeadPage> {
        let all = s.scan(None, usize::MAX).await?.entries;
        Ok(HeadPage::new(all.into_iter().map(anyone_s).collect(), None))
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeEndsNoMoreThan100;
#[async_trait]
impl Fault for RevokeEndsNoMoreThan100 {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let records = s.reach_inside(|inside| inside.records.clone());
        let revoked = s.revoke(owner, at).await?;
        s.reach_inside(|inside| {
            let ended = records.into_iter().filter(|(key, _)| !inside.records.contains_key(key));
            let left: Vec<_> = ended.skip(100).collect();
            inside.records.extend(left);
        });
        Ok(revoked)
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeOnlyRemembers;
#[async_trait]
impl Fault for RevokeOnlyRemembers {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let records = s.reach_inside(|inside| inside.records.clone());
        let revoked = s.revoke(owner, at).await?;
        s.reach_inside(|inside| inside.records = records);
        Ok(revoked)
    }
}

/// Revokes, and remembers the moment that `remember` returns for those before and after.
async fn revoke_and(
    s: &Reference,
    owner: &OwnerKey,
    at: Timestamp,
    remember: impl Fn(Option<Timestamp>) -> Option<Timestamp> + Send,
) -> Result<u64> {
    let before = s.reach_inside(|inside| inside.revocations.get(owner).copied());
    let revoked = s.revoke(owner, at).await?;
    s.reach_inside(|inside| match remember(before) {
        Some(at) => inside.revocations.insert(owner.clone(), at),
        None => inside.revocations.remove(owner),
    });
    Ok(revoked)
}

#[derive(Debug, Default)]
pub(crate) struct RevokeIsNotRemembered;
#[async_trait]
impl Fault for RevokeIsNotRemembered {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        revoke_and(s, owner, at, |_| None).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeMovesBack;
#[async_trait]
impl Fault for RevokeMovesBack {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        revoke_and(s, owner, at, |_| Some(at)).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeNeverMovesOn;
#[async_trait]
impl Fault for RevokeNeverMovesOn {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        revoke_and(s, owner, at, |before| before.or(Some(at))).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeIsRememberedForever;
#[async_trait]
impl Fault for RevokeIsRememberedForever {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        revoke_and(s, owner, at, |_| Some(Timestamp::NEVER)).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeIsRememberedOnlyIfItRemovedSomething;
#[async_trait]
impl Fault for RevokeIsRememberedOnlyIfItRemovedSomething {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let known = !heads_of(s, owner).await?.is_empty();
        revoke_and(s, owner, at, |before| if known { before.max(Some(at)) } else { before }).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeIsRememberedForAnHour;
#[async_trait]
impl Fault for RevokeIsRememberedForAnHour {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let an_hour_ago = s.now() - Duration::from_secs(3_601);
        s.reach_inside(|inside| inside.revocations.retain(|_, at| *at > an_hour_ago));
        s.create(key, record).await
    }
}

/// `<` where `<=` is due.
#[derive(Debug, Default)]
pub(crate) struct RevokeSparesItsOwnMoment;
#[async_trait]
impl Fault for RevokeSparesItsOwnMoment {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        s.revoke(owner, at - Duration::from_micros(1)).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeInSeconds;
#[async_trait]
impl Fault for RevokeInSeconds {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        s.revoke(owner, at + Duration::from_millis(1)).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeEndsLaterOnesToo;
#[async_trait]
impl Fault for RevokeEndsLaterOnesToo {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let theirs = heads_of(s, owner).await?;
        let revoked = s.revoke(owner, at).await?;
        s.reach_inside(|inside| inside.records.retain(|key, _| theirs.iter().all(|head| head.key != *key)));
        Ok(revoked)
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeEndsWhoeverBeginsAlike;
#[async_trait]
impl Fault for RevokeEndsWhoeverBeginsAlike {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        s.reach_inside(|inside| {
            inside.records.retain(|_, stored| {
                let of = stored.record.owner.as_ref().map(|owner| owner.key.as_bytes()).unwrap_or_default();
                of == owner.as_bytes() || !of.starts_with(owner.as_bytes())
            });
        });
        s.revoke(owner, at).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeCountsNothing;
#[async_trait]
impl Fault for RevokeCountsNothing {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        s.revoke(owner, at).await.map(|_| 0)
    }
}

#[derive(Debug, Default)]
pub(crate) struct RevokeIsUndoneByATouch(Graveyard);
#[async_trait]
impl Fault for RevokeIsUndoneByATouch {
    async fn revoke(&self, s: &Reference, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        for head in heads_of(s, owner).await? {
            if let Some(stored) = s.load(&head.key, None).await? {
                self.0.bury(&head.key, &stored);
            }
        }
        s.revoke(owner, at).await
    }
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.0.resurrect(s, key);
        s.touch(key, expires_at).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateDoesNotAskForRevocations;
#[async_trait]
impl Fault for UpdateDoesNotAskForRevocations {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        match s.update(key, expected, record).await? {
            UpdateOutcome::Revoked => {
                Ok(UpdateOutcome::Updated(s.reach_inside(|inside| inside.put(key, record))))
            }
            other => Ok(other),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateAnswersRevokedAndWrites;
#[async_trait]
impl Fault for UpdateAnswersRevokedAndWrites {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        let updated = s.update(key, expected, record).await?;
        if updated == UpdateOutcome::Revoked {
            s.reach_inside(|inside| inside.put(key, record));
        }
        Ok(updated)
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateOfNothingForARevokedOwnerIsWritten;
#[async_trait]
impl Fault for UpdateOfNothingForARevokedOwnerIsWritten {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        let updated = s.update(key, expected, record).await?;
        if updated == UpdateOutcome::NotFound {
            s.reach_inside(|inside| inside.is_revoked(record).then(|| inside.put(key, record)));
        }
        Ok(updated)
    }
}

#[derive(Debug, Default)]
pub(crate) struct CreateAnswersRevokedAndKeeps;
#[async_trait]
impl Fault for CreateAnswersRevokedAndKeeps {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let created = s.create(key, record).await?;
        if created == CreateOutcome::Revoked {
            s.reach_inside(|inside| inside.put(key, record));
        }
        Ok(created)
    }
}
