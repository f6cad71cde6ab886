//! Faults of `scan`, `count`, `clear` and `sweep`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use cloakroom_conformance::Reference;
use cloakroom_store::*;

use crate::faulty::Fault;
use crate::graveyard::Graveyard;
use crate::steps::meanwhile;

#[derive(Debug, Default)]
pub(crate) struct ScanSkipsTheFirstOfAPage;
#[async_trait]
impl Fault for ScanSkipsTheFirstOfAPage {
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let mut page = s.scan(after, limit).await?;
        if after.is_some() && !page.entries.is_empty() {
            page.entries.remove(0);
        }
        Ok(page)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ScanEndsAfterOnePage;
#[async_trait]
impl Fault for ScanEndsAfterOnePage {
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        Ok(Page::new(s.scan(after, limit).await?.entries, None))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ScanNeverEnds;
#[async_trait]
impl Fault for ScanNeverEnds {
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let page = s.scan(after, limit).await?;
        Ok(Page::new(page.entries, page.next.or(Some(Cursor::new("\0")))))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ScanIgnoresTheLimit;
#[async_trait]
impl Fault for ScanIgnoresTheLimit {
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, _: usize) -> Result<Page> {
        s.scan(after, usize::MAX).await
    }
}

/// The cursor is how many records were seen.
#[derive(Debug, Default)]
pub(crate) struct ScanCountsItsWay;
#[async_trait]
impl Fault for ScanCountsItsWay {
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let skipped = after.map_or(0, |cursor| usize::from_be_bytes(cursor.as_bytes().try_into().unwrap()));
        let all = s.scan(None, usize::MAX).await?.entries;
        let entries = all.into_iter().skip(skipped).take(limit).collect::<Vec<_>>();
        let seen = skipped + entries.len();
        let next = (entries.len() == limit).then(|| Cursor::new(seen.to_be_bytes().to_vec()));
        Ok(Page::new(entries, next))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ScanEndsWhereItsLastRecordIsGone;
#[async_trait]
impl Fault for ScanEndsWhereItsLastRecordIsGone {
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let at = after.map(|cursor| StoreKey::from_bytes(cursor.as_bytes())).transpose()?;
        if at.is_some_and(|at| s.reach_inside(|inside| !inside.records.contains_key(&at))) {
            return Ok(Page::new(Vec::new(), None));
        }
        s.scan(after, limit).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct ScanHandsNoPayloadBack;
#[async_trait]
impl Fault for ScanHandsNoPayloadBack {
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let mut page = s.scan(after, limit).await?;
        page.entries.iter_mut().for_each(|entry| entry.stored.record.payload.clear());
        Ok(page)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ScanSeesWhatWasDeleted(Graveyard);
#[async_trait]
impl Fault for ScanSeesWhatWasDeleted {
    async fn delete(&self, s: &Reference, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.0.delete(s, key).await
    }
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let mut page = s.scan(after, limit).await?;
        page.entries.extend(self.0.buried().into_iter().map(|(key, stored)| Entry::new(key, stored)));
        Ok(page)
    }
}

#[derive(Debug, Default)]
pub(crate) struct CountCountsUpdates(Mutex<u64>);
#[async_trait]
impl Fault for CountCountsUpdates {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        *self.0.lock().unwrap() += 1;
        s.update(key, expected, record).await
    }
    async fn count(&self, s: &Reference) -> Result<u64> {
        Ok(s.count().await? + *self.0.lock().unwrap())
    }
}

#[derive(Debug, Default)]
pub(crate) struct CountChangesVersions;
#[async_trait]
impl Fault for CountChangesVersions {
    async fn count(&self, s: &Reference) -> Result<u64> {
        let all = s.scan(None, usize::MAX).await?.entries;
        s.reach_inside(|inside| {
            for entry in &all {
                inside.put(&entry.key, &entry.stored.record);
            }
        });
        s.count().await
    }
}

#[derive(Debug, Default)]
pub(crate) struct ClearSparesWhatNeverExpires;
#[async_trait]
impl Fault for ClearSparesWhatNeverExpires {
    async fn clear(&self, s: &Reference) -> Result<u64> {
        let count = s.count().await?;
        let never = |stored: &VersionedRecord| stored.record.expires_at == Timestamp::NEVER;
        s.reach_inside(|inside| inside.records.retain(|_, stored| never(stored)));
        Ok(count)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ClearSparesWhatHasExpired;
#[async_trait]
impl Fault for ClearSparesWhatHasExpired {
    async fn clear(&self, s: &Reference) -> Result<u64> {
        let (count, now) = (s.count().await?, s.now());
        s.reach_inside(|inside| inside.records.retain(|_, stored| !stored.record.is_live(now)));
        Ok(count)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ClearCountsNothing;
#[async_trait]
impl Fault for ClearCountsNothing {
    async fn clear(&self, s: &Reference) -> Result<u64> {
        s.clear().await.map(|_| 0)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ClearForgetsRevocations;
#[async_trait]
impl Fault for ClearForgetsRevocations {
    async fn clear(&self, s: &Reference) -> Result<u64> {
        s.reach_inside(|inside| inside.revocations.clear());
        s.clear().await
    }
}

#[derive(Debug, Default)]
pub(crate) struct ClearMarksKeysAsTaken(Graveyard);
#[async_trait]
impl Fault for ClearMarksKeysAsTaken {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        if self.0.holds(key) { Ok(CreateOutcome::AlreadyExists) } else { s.create(key, record).await }
    }
    async fn clear(&self, s: &Reference) -> Result<u64> {
        s.reach_inside(|inside| inside.records.iter().for_each(|(key, stored)| self.0.bury(key, stored)));
        s.clear().await
    }
}

#[derive(Debug, Default)]
pub(crate) struct SweepDoesNothing;
#[async_trait]
impl Fault for SweepDoesNothing {
    async fn sweep(&self, s: &Reference, _: usize) -> Result<SweepStats> {
        s.sweep(0).await?;
        Ok(SweepStats::NOTHING)
    }
}

#[derive(Debug, Default)]
pub(crate) struct SweepRemovesWhatExpiresSoon;
#[async_trait]
impl Fault for SweepRemovesWhatExpiresSoon {
    async fn sweep(&self, s: &Reference, limit: usize) -> Result<SweepStats> {
        let soon = s.now() + Duration::from_millis(1);
        s.reach_inside(|inside| inside.records.retain(|_, stored| stored.record.is_live(soon)));
        s.sweep(limit).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct SweepIgnoresTheLimit;
#[async_trait]
impl Fault for SweepIgnoresTheLimit {
    async fn sweep(&self, s: &Reference, _: usize) -> Result<SweepStats> {
        s.sweep(usize::MAX).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct SweepNeverSaysThatThereIsMore;
#[async_trait]
impl Fault for SweepNeverSaysThatThereIsMore {
    async fn sweep(&self, s: &Reference, limit: usize) -> Result<SweepStats> {
        Ok(s.sweep(limit).await?.with_more(false))
    }
}

#[derive(Debug, Default)]
pub(crate) struct SweepAlwaysSaysThatThereIsMore;
#[async_trait]
impl Fault for SweepAlwaysSaysThatThereIsMore {
    async fn sweep(&self, s: &Reference, limit: usize) -> Result<SweepStats> {
        Ok(s.sweep(limit).await?.with_more(true))
    }
}

#[derive(Debug, Default)]
pub(crate) struct SweepTakesEveryRecordForASlidingOne;
#[async_trait]
impl Fault for SweepTakesEveryRecordForASlidingOne {
    async fn sweep(&self, s: &Reference, limit: usize) -> Result<SweepStats> {
        let swept = s.sweep(limit).await?;
        Ok(SweepStats::new(swept.removed, swept.removed, swept.more))
    }
}

#[derive(Debug, Default)]
pub(crate) struct SweepForgetsRevocations;
#[async_trait]
impl Fault for SweepForgetsRevocations {
    async fn sweep(&self, s: &Reference, limit: usize) -> Result<SweepStats> {
        s.reach_inside(|inside| inside.revocations.clear());
        s.sweep(limit).await
    }
}

/// Looks for expired records, and removes them later, whether or not they were replaced or removed meanwhile.
#[derive(Debug, Default)]
pub(crate) struct SweepIsTwoSteps;
#[async_trait]
impl Fault for SweepIsTwoSteps {
    async fn sweep(&self, s: &Reference, limit: usize) -> Result<SweepStats> {
        s.count().await?; // fails if the store cannot look
        let now = s.now();
        let keys = s.reach_inside(|inside| {
            let expired = inside.records.iter().filter(|(_, stored)| !stored.record.is_live(now));
            expired.map(|(key, _)| key.clone()).take(limit).collect::<Vec<_>>()
        });
        meanwhile().await;
        s.reach_inside(|inside| keys.iter().for_each(|key| drop(inside.records.remove(key))));
        Ok(SweepStats::new(keys.len(), keys.len(), keys.len() == limit))
    }
}

/// A queue of expiries that a create over an expired record does not tidy.
#[derive(Debug, Default)]
pub(crate) struct SweepRemovesWhatWasCreatedAgain(Mutex<BTreeMap<StoreKey, Timestamp>>);
#[async_trait]
impl Fault for SweepRemovesWhatWasCreatedAgain {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.0.lock().unwrap().entry(key.clone()).or_insert(record.expires_at);
        s.create(key, record).await
    }
    async fn sweep(&self, s: &Reference, limit: usize) -> Result<SweepStats> {
        let now = s.now();
        let due = self
            .0
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(key, _)| key.clone())
            .collect::<Vec<_>>();
        s.reach_inside(|inside| due.iter().for_each(|key| drop(inside.records.remove(key))));
        s.sweep(limit).await
    }
}
