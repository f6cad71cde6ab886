//! Faults of versions, handles, errors and words.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use cloakroom_conformance::Reference;
use cloakroom_store::*;

use crate::faulty::Fault;

/// Gives the record under `key` this version.
fn number(s: &Reference, key: &StoreKey, version: u64) -> Version {
    let version = Version::new(version);
    s.reach_inside(|inside| inside.records.get_mut(key).map(|stored| stored.version = version));
    version
}

/// The first version of a record is always 1.
#[derive(Debug, Default)]
pub(crate) struct VersionsBeginAgain;
#[async_trait]
impl Fault for VersionsBeginAgain {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        match s.create(key, record).await? {
            CreateOutcome::Created(_) => Ok(CreateOutcome::Created(number(s, key, 1))),
            other => Ok(other),
        }
    }
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        match s.update(key, expected, record).await? {
            UpdateOutcome::Updated(_) => Ok(UpdateOutcome::Updated(number(s, key, expected.get() + 1))),
            other => Ok(other),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct VersionsComeInThrees;
#[async_trait]
impl Fault for VersionsComeInThrees {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        match s.update(key, expected, record).await? {
            UpdateOutcome::Updated(version) => Ok(UpdateOutcome::Updated(number(s, key, version.get() % 3))),
            other => Ok(other),
        }
    }
}

/// Every handle counts for itself.
#[derive(Debug, Default)]
pub(crate) struct VersionsAreCountedByEachHandle(Mutex<u64>);
#[async_trait]
impl Fault for VersionsAreCountedByEachHandle {
    async fn create(&self, s: &Reference, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        match s.create(key, record).await? {
            CreateOutcome::Created(_) => Ok(CreateOutcome::Created(number(s, key, self.next()))),
            other => Ok(other),
        }
    }
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        match s.update(key, expected, record).await? {
            UpdateOutcome::Updated(_) => Ok(UpdateOutcome::Updated(number(s, key, self.next()))),
            other => Ok(other),
        }
    }
}
impl VersionsAreCountedByEachHandle {
    fn next(&self) -> u64 {
        let mut last = self.0.lock().unwrap();
        *last += 1;
        *last
    }
}

/// Every handle remembers what it loaded.
#[derive(Debug, Default)]
pub(crate) struct HandlesCacheWhatTheyLoad(Mutex<BTreeMap<StoreKey, VersionedRecord>>);
#[async_trait]
impl Fault for HandlesCacheWhatTheyLoad {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let cached = self.0.lock().unwrap().get(key).cloned();
        if cached.is_some() && touch.is_none() {
            return Ok(cached);
        }
        let loaded = s.load(key, touch).await?;
        self.0.lock().unwrap().extend(loaded.clone().map(|stored| (key.clone(), stored)));
        Ok(loaded)
    }
}

#[derive(Debug, Default)]
pub(crate) struct HandlesDoNotShare;
impl Fault for HandlesDoNotShare {
    fn another_handle(s: &Reference) -> Reference {
        let now = s.now();
        Reference::new(ManualClock::at(now))
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoadErrorIsMissing;
#[async_trait]
impl Fault for LoadErrorIsMissing {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        s.load(key, touch).await.or(Ok(None))
    }
}

#[derive(Debug, Default)]
pub(crate) struct UpdateErrorIsGone;
#[async_trait]
impl Fault for UpdateErrorIsGone {
    async fn update(
        &self,
        s: &Reference,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        s.update(key, expected, record).await.or(Ok(UpdateOutcome::NotFound))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListErrorIsEmpty;
#[async_trait]
impl Fault for ListErrorIsEmpty {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        s.list(owner, after, limit).await.or(Ok(HeadPage::new(Vec::new(), None)))
    }
}

#[derive(Debug, Default)]
pub(crate) struct DebugShowsKeys;
impl Fault for DebugShowsKeys {
    fn debug(&self, s: &Reference, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = s.reach_inside(|inside| {
            inside.records.keys().map(|key| key.as_bytes().to_vec()).collect::<Vec<_>>()
        });
        f.debug_list().entries(keys).finish()
    }
}

#[derive(Debug, Default)]
pub(crate) struct DebugShowsPayloads;
impl Fault for DebugShowsPayloads {
    fn debug(&self, s: &Reference, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payloads = s.reach_inside(|inside| {
            inside.records.values().map(|stored| stored.record.payload.clone()).collect::<Vec<_>>()
        });
        f.debug_list().entries(payloads).finish()
    }
}

#[derive(Debug, Default)]
pub(crate) struct ErrorsNameTheKey;
#[async_trait]
impl Fault for ErrorsNameTheKey {
    async fn load(
        &self,
        s: &Reference,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let name = String::from_utf8_lossy(key.as_bytes()).into_owned();
        s.load(key, touch).await.map_err(|error| error.with_source(format!("no such file: {name}")))
    }
}

#[derive(Debug, Default)]
pub(crate) struct LosesACapability;
impl Fault for LosesACapability {
    fn capabilities<'a>(&self, all: Capabilities<'a>) -> Capabilities<'a> {
        let mut capabilities = all;
        capabilities.owners = None;
        capabilities
    }
}
