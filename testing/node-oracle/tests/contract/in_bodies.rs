//! Records of the suite as sessions of Express: any bytes in a value of the body, under an id that every layout keeps.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom::format::{Facts, MemberKind, Payload, PayloadBuilder};
use cloakroom::store::{
    Bytes, Capabilities, CreateOutcome, Cursor, Entry, Error, ErrorKind, Page, Record, Result, Scan, Store,
    StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};
use cloakroom_node::NodeStore;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use sha2::{Digest as _, Sha256};

/// How long a session of the suite lives whose record is not sliding: not as long as the preset says.
const OWN_IDLE: Duration = Duration::from_secs(7_200);
/// The value that a payload is in.
const PAYLOAD: &str = "payload";

/// Keeps records of the suite in the bodies of a package. As the engine does, it writes no body twice.
#[derive(Debug)]
pub(crate) struct InBodies {
    store: NodeStore,
    /// How exactly the layout tells an expiry; what it tells is rounded up to this.
    unit: Duration,
    /// The number of the sentence: each has ids of its own, as an id whose session has ended is never used again.
    sentence: Arc<AtomicU64>,
    writes: AtomicU64,
}

impl InBodies {
    pub(crate) fn new(store: NodeStore, unit: Duration, sentence: &Arc<AtomicU64>) -> Self {
        Self {
            store,
            unit,
            sentence: Arc::clone(sentence),
            writes: AtomicU64::new(u64::from(std::process::id()) << 32),
        }
    }

    fn written(&self, record: &Record) -> Record {
        let mut facts = Facts::new(Timestamp::EPOCH, [1; 16], [2; 16]);
        facts.set_authenticated_at(record.owner.as_ref().map(|owner| owner.logged_in_at));
        if !record.sliding {
            facts.set_idle(OWN_IDLE, true);
            facts.set_persistent(true);
        }
        let mut payload = PayloadBuilder::new(&facts, record.payload.len());
        let text = format!("\"{}\"", BASE64.encode(&record.payload));
        payload.add(MemberKind::Value, PAYLOAD, text.as_bytes());
        let number = self.writes.fetch_add(1, Ordering::Relaxed).to_string();
        payload.add(MemberKind::Value, "write", number.as_bytes());
        record.clone().with_payload(payload.finish())
    }

    fn read(&self, stored: VersionedRecord) -> Result<VersionedRecord> {
        let broken = || Error::new(ErrorKind::Corrupt, "the suite did not write this body");
        let Some(Payload::Session(_, members)) = Payload::decode(&stored.record.payload) else {
            return Err(broken());
        };
        let value = members.iter().find(|member| member.key == PAYLOAD).ok_or_else(broken)?;
        let text = value.value.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
        let payload = BASE64.decode(text.ok_or_else(broken)?).map_err(|_| broken())?;
        let expires_at = self.rounded(stored.record.expires_at);
        Ok(VersionedRecord::new(
            stored.record.with_payload(Bytes::from(payload)).with_expires_at(expires_at),
            stored.version,
        ))
    }

    fn rounded(&self, expires_at: Timestamp) -> Timestamp {
        let unit = u64::try_from(self.unit.as_micros()).unwrap_or(u64::MAX);
        if expires_at == Timestamp::NEVER {
            return expires_at;
        }
        Timestamp::from_micros(expires_at.as_micros().div_ceil(unit) * unit)
    }
}

/// What the ids are made of, to name the records of a scan.
static KEYS: Mutex<BTreeMap<StoreKey, StoreKey>> = Mutex::new(BTreeMap::new());

impl InBodies {
    fn id(&self, key: &StoreKey) -> StoreKey {
        let sentence = self.sentence.load(Ordering::Relaxed).to_be_bytes();
        let hash = Sha256::new().chain_update(sentence).chain_update(key.as_bytes()).finalize();
        let mut id = BASE64URL_NOPAD.encode(&hash);
        // As many letters as an id of node-session has.
        id.truncate(40);
        let id = StoreKey::from_bytes(id.as_bytes()).unwrap_or_else(|_| unreachable!("40 letters are a key"));
        KEYS.lock().unwrap().insert(id.clone(), key.clone());
        id
    }
}

#[async_trait]
impl Store for InBodies {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.store.load(&self.id(key), touch).await?.map(|stored| self.read(stored)).transpose()
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.store.create(&self.id(key), &self.written(record)).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        Ok(match self.store.update(&self.id(key), expected, &self.written(record)).await? {
            UpdateOutcome::Conflict(stored) => UpdateOutcome::Conflict(self.read(stored)?),
            answer => answer,
        })
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.store.touch(&self.id(key), expires_at).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.store.delete(&self.id(key)).await?.map(|stored| self.read(stored)).transpose()
    }

    fn capabilities(&self) -> Capabilities<'_> {
        let (of_store, mut capabilities) = (self.store.capabilities(), Capabilities::NONE);
        if let Some(sweep) = of_store.sweep {
            capabilities = capabilities.with_sweep(sweep);
        }
        if of_store.scan.is_some() {
            capabilities = capabilities.with_scan(self);
        }
        capabilities
    }
}

#[async_trait]
impl Scan for InBodies {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let page = self.store.scan(after, limit).await?;
        let mut entries = Vec::new();
        for Entry { key, stored, .. } in page.entries {
            let of = KEYS.lock().unwrap().get(&key).cloned();
            entries.push(Entry::new(of.unwrap(), self.read(stored)?));
        }
        Ok(Page::new(entries, page.next))
    }

    async fn count(&self) -> Result<u64> {
        self.store.count().await
    }

    async fn clear(&self) -> Result<u64> {
        self.store.clear().await
    }
}
