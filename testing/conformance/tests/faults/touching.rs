//! Faults of `load`, `touch` and the touch that rides on a load.

use std::time::Duration;

use cloakroom_conformance::Reference;
use cloakroom_store::*;

use crate::faulty::Fault;

/// Changes the record behind the store's back, the version stays.
fn edit(s: &Reference, key: &StoreKey, change: impl FnOnce(&mut VersionedRecord)) {
    let now = s.now();
    s.reach_inside(|inside| inside.live_mut(key, now).map(change));
}

#[derive(Debug, Default)]
pub(crate) struct LoadMovesTheExpiryByItself;
#[async_trait]
impl Fault for LoadMovesTheExpiryByItself {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        edit(s, key, |stored| stored.record.expires_at = stored.record.expires_at + Duration::from_micros(1));
        s.load(key, touch).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoadOfNothingCreates;
#[async_trait]
impl Fault for LoadOfNothingCreates {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let loaded = s.load(key, touch).await?;
        if let (None, Some(touch)) = (&loaded, touch) {
            s.reach_inside(|inside| inside.put(key, &Record::new("", touch.expires_at)));
        }
        Ok(loaded)
    }
}

#[derive(Debug, Default)]
pub(crate) struct TouchCreates;
#[async_trait]
impl Fault for TouchCreates {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let there = s.touch(key, expires_at).await?;
        if !there {
            s.reach_inside(|inside| inside.put(key, &Record::new("", expires_at)));
        }
        Ok(there)
    }
}

#[derive(Debug, Default)]
pub(crate) struct TouchMovesEarlier;
#[async_trait]
impl Fault for TouchMovesEarlier {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let there = s.load(key, None).await?.is_some();
        edit(s, key, |stored| stored.record.expires_at = expires_at);
        Ok(there)
    }
}

#[derive(Debug, Default)]
pub(crate) struct TouchChangesTheVersion;
#[async_trait]
impl Fault for TouchChangesTheVersion {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let there = s.touch(key, expires_at).await?;
        if let Some(stored) = s.load(key, None).await? {
            s.reach_inside(|inside| inside.put(key, &stored.record));
        }
        Ok(there)
    }
}

#[derive(Debug, Default)]
pub(crate) struct TouchDoesNothing;
#[async_trait]
impl Fault for TouchDoesNothing {
    async fn touch(&self, s: &Reference, key: &StoreKey, _: Timestamp) -> Result<bool> {
        Ok(s.load(key, None).await?.is_some())
    }
}

#[derive(Debug, Default)]
pub(crate) struct TouchSaysWhetherItMoved;
#[async_trait]
impl Fault for TouchSaysWhetherItMoved {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let before = s.load(key, None).await?;
        s.touch(key, expires_at).await?;
        Ok(before.is_some_and(|stored| stored.record.expires_at < expires_at))
    }
}

#[derive(Debug, Default)]
pub(crate) struct TouchMovesSlidingRecordsOnly;
#[async_trait]
impl Fault for TouchMovesSlidingRecordsOnly {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        match s.load(key, None).await? {
            Some(stored) if !stored.record.sliding => Ok(true),
            _ => s.touch(key, expires_at).await,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct TouchForgetsTheOwner;
#[async_trait]
impl Fault for TouchForgetsTheOwner {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        edit(s, key, |stored| stored.record.owner = None);
        s.touch(key, expires_at).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct TouchDoesNotKnowNever;
#[async_trait]
impl Fault for TouchDoesNotKnowNever {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        s.touch(key, if expires_at == Timestamp::NEVER { Timestamp::EPOCH } else { expires_at }).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct TouchMovesEveryRecord;
#[async_trait]
impl Fault for TouchMovesEveryRecord {
    async fn touch(&self, s: &Reference, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        s.reach_inside(|inside| {
            for stored in inside.records.values_mut() {
                stored.record.expires_at = stored.record.expires_at.max(expires_at);
            }
        });
        s.touch(key, expires_at).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoadIgnoresTheTouch;
#[async_trait]
impl Fault for LoadIgnoresTheTouch {
    async fn load(&self, s: &Reference, key: &StoreKey, _: Option<Touch>) -> Result<Option<VersionedRecord>> {
        s.load(key, None).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoadWithATouchAnswersWithTheOldExpiry;
#[async_trait]
impl Fault for LoadWithATouchAnswersWithTheOldExpiry {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let before = s.load(key, None).await?;
        s.load(key, touch).await?;
        Ok(before)
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoadWithATouchIgnoresWhetherItSlides;
#[async_trait]
impl Fault for LoadWithATouchIgnoresWhetherItSlides {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        if let Some(touch) = touch {
            edit(s, key, |stored| {
                let sliding = stored.record.clone().with_sliding(true);
                stored.record.expires_at =
                    touch.extended_expiry(&sliding).unwrap_or(stored.record.expires_at);
            });
        }
        s.load(key, None).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoadWithATouchIgnoresWhetherItIsDue;
#[async_trait]
impl Fault for LoadWithATouchIgnoresWhetherItIsDue {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        s.load(key, touch.map(|touch| Touch::new(Timestamp::NEVER, touch.expires_at))).await
    }
}

/// `<=` where `<` is due.
#[derive(Debug, Default)]
pub(crate) struct LoadWithATouchIsDueAMicrosecondTooEarly;
#[async_trait]
impl Fault for LoadWithATouchIsDueAMicrosecondTooEarly {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let early = |touch: Touch| Touch::new(touch.due_before + Duration::from_micros(1), touch.expires_at);
        s.load(key, touch.map(early)).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoadWithATouchMovesEarlier;
#[async_trait]
impl Fault for LoadWithATouchMovesEarlier {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let before = s.load(key, touch).await?;
        if let Some(touch) = touch {
            edit(s, key, |stored| {
                if stored.record.sliding && stored.record.expires_at < touch.due_before {
                    stored.record.expires_at = touch.expires_at;
                }
            });
        }
        Ok(s.load(key, None).await?.or(before))
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoadWithATouchChangesTheVersion;
#[async_trait]
impl Fault for LoadWithATouchChangesTheVersion {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let loaded = s.load(key, touch).await?;
        if let (Some(stored), Some(_)) = (&loaded, touch) {
            s.reach_inside(|inside| inside.put(key, &stored.record));
        }
        s.load(key, None).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoadWithATouchMovesEveryRecord;
#[async_trait]
impl Fault for LoadWithATouchMovesEveryRecord {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        if let Some(touch) = touch {
            s.reach_inside(|inside| {
                for stored in inside.records.values_mut() {
                    stored.record.expires_at =
                        touch.extended_expiry(&stored.record).unwrap_or(stored.record.expires_at);
                }
            });
        }
        s.load(key, touch).await
    }
}
