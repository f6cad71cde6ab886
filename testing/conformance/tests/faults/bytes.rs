//! Faults that change keys, payloads and owners.

use cloakroom_conformance::Reference;
use cloakroom_store::*;

use crate::faulty::{Fault, LARGEST};

/// Another key: of these bytes, if there are any.
fn key_of(bytes: &[u8]) -> StoreKey {
    StoreKey::from_bytes(bytes).unwrap_or_else(|_| StoreKey::from_bytes(b"empty").unwrap())
}

/// A key's text; the suite's ordinary keys, which are not text, stay as they are.
fn text(key: &StoreKey) -> Option<&str> {
    std::str::from_utf8(key.as_bytes()).ok()
}

#[derive(Debug, Default)]
pub(crate) struct KeysAreCutAt64Bytes;
impl Fault for KeysAreCutAt64Bytes {
    fn key(&self, key: &StoreKey) -> StoreKey {
        key_of(&key.as_bytes()[..key.as_bytes().len().min(64)])
    }
}

#[derive(Debug, Default)]
pub(crate) struct KeysAreCutAtNul;
impl Fault for KeysAreCutAtNul {
    fn key(&self, key: &StoreKey) -> StoreKey {
        text(key).map_or(key.clone(), |text| key_of(text.split('\0').next().unwrap_or_default().as_bytes()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct KeysAreTrimmed;
impl Fault for KeysAreTrimmed {
    fn key(&self, key: &StoreKey) -> StoreKey {
        text(key).map_or(key.clone(), |text| key_of(text.trim().as_bytes()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct KeysAreCaseFolded;
impl Fault for KeysAreCaseFolded {
    fn key(&self, key: &StoreKey) -> StoreKey {
        text(key).map_or(key.clone(), |text| key_of(text.to_lowercase().as_bytes()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct KeysBecomeText;
impl Fault for KeysBecomeText {
    fn key(&self, key: &StoreKey) -> StoreKey {
        if key.as_bytes().len() == 32 {
            key.clone()
        } else {
            key_of(String::from_utf8_lossy(key.as_bytes()).as_bytes())
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct KeysBecomeNumbers;
impl Fault for KeysBecomeNumbers {
    fn key(&self, key: &StoreKey) -> StoreKey {
        let number = text(key).and_then(|text| text.trim().parse::<f64>().ok());
        number.map_or(key.clone(), |number| key_of(number.to_string().as_bytes()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct KeysBecomePaths;
impl Fault for KeysBecomePaths {
    fn key(&self, key: &StoreKey) -> StoreKey {
        let path = text(key)
            .map(|text| text.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>());
        path.map_or(key.clone(), |parts| key_of(parts.join("/").as_bytes()))
    }
}

/// Between braces is what a cluster goes by.
#[derive(Debug, Default)]
pub(crate) struct KeysBecomeTheirHashTag;
impl Fault for KeysBecomeTheirHashTag {
    fn key(&self, key: &StoreKey) -> StoreKey {
        let tag = text(key).and_then(|text| text.strip_prefix('{')?.split_once('}')).map(|(tag, _)| tag);
        tag.map_or(key.clone(), |tag| key_of(tag.as_bytes()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ScanTurnsKeysIntoText;
#[async_trait]
impl Fault for ScanTurnsKeysIntoText {
    async fn scan(&self, s: &Reference, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let mut page = s.scan(after, limit).await?;
        for entry in &mut page.entries {
            let short = entry.key.as_bytes().len() != 32;
            if short {
                entry.key = key_of(String::from_utf8_lossy(entry.key.as_bytes()).as_bytes());
            }
        }
        Ok(page)
    }
}

#[derive(Debug, Default)]
pub(crate) struct PayloadsAreCutAt64KiB;
impl Fault for PayloadsAreCutAt64KiB {
    fn record(&self, record: &Record) -> Record {
        let length = record.payload.len().min(1 << 16);
        record.clone().with_payload(record.payload.slice(..length))
    }
}

#[derive(Debug, Default)]
pub(crate) struct PayloadsBecomeText;
impl Fault for PayloadsBecomeText {
    fn record(&self, record: &Record) -> Record {
        record.clone().with_payload(String::from_utf8_lossy(&record.payload).into_owned())
    }
}

#[derive(Debug, Default)]
pub(crate) struct PayloadsAreTrimmed;
impl Fault for PayloadsAreTrimmed {
    fn record(&self, record: &Record) -> Record {
        record.clone().with_payload(record.payload.trim_ascii_end().to_vec())
    }
}

#[derive(Debug, Default)]
pub(crate) struct AnEmptyPayloadIsMissing;
#[async_trait]
impl Fault for AnEmptyPayloadIsMissing {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        Ok(s.load(key, touch).await?.filter(|stored| !stored.record.payload.is_empty()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct TooLargeIsCut;
impl Fault for TooLargeIsCut {
    fn record(&self, record: &Record) -> Record {
        record.clone().with_payload(record.payload.slice(..record.payload.len().min(LARGEST)))
    }
}

#[derive(Debug, Default)]
pub(crate) struct TooLargeRemovesWhatWasThere;
#[async_trait]
impl Fault for TooLargeRemovesWhatWasThere {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        let updated = s.update(key, expected, record).await;
        if updated.is_err() {
            s.delete(key).await?;
        }
        updated
    }
}

#[derive(Debug, Default)]
pub(crate) struct TooLargeIsJustAnotherError;
#[async_trait]
impl Fault for TooLargeIsJustAnotherError {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        s.create(key, record).await.map_err(|error| Error::new(ErrorKind::Other, error.to_string()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct EveryRecordSlides;
impl Fault for EveryRecordSlides {
    fn record(&self, record: &Record) -> Record {
        record.clone().with_sliding(true)
    }
}

#[derive(Debug, Default)]
pub(crate) struct SinceInMilliseconds;
impl Fault for SinceInMilliseconds {
    fn record(&self, record: &Record) -> Record {
        let mut record = record.clone();
        if let Some(owner) = &mut record.owner {
            owner.logged_in_at = Timestamp::from_millis(owner.logged_in_at.as_millis());
        }
        record
    }
}

#[derive(Debug, Default)]
pub(crate) struct OwnersAreCaseFolded;
#[async_trait]
impl Fault for OwnersAreCaseFolded {
    async fn list(&self, s: &Reference, owner: &OwnerKey, _: Option<&Cursor>, _: usize) -> Result<HeadPage> {
        let mut all = s.scan(None, usize::MAX).await?.entries;
        let same = |of: &Owner| of.key.as_bytes().eq_ignore_ascii_case(owner.as_bytes());
        all.retain(|entry| entry.stored.record.owner.as_ref().is_some_and(same));
        Ok(HeadPage::new(all.into_iter().filter_map(RecordHead::of).collect(), None))
    }
}
