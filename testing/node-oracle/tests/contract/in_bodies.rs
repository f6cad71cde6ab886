//! Records of the suite as sessions of Express: any bytes in a value of the body, under an id that every layout keeps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::format::{Facts, MemberKind, Payload, PayloadBuilder};
use cloakroom::store::{
    Bytes, Capabilities, CreateOutcome, Error, ErrorKind, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
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
    writes: AtomicU64,
}

impl InBodies {
    pub(crate) fn new(store: NodeStore, unit: Duration) -> Self {
        Self { store, unit, writes: AtomicU64::new(u64::from(std::process::id()) << 32) }
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

fn id(key: &StoreKey) -> StoreKey {
    let id = BASE64URL_NOPAD.encode(&Sha256::digest(key.as_bytes()));
    StoreKey::from_bytes(id.as_bytes()).unwrap_or_else(|_| unreachable!("43 letters are a key"))
}

#[async_trait]
impl Store for InBodies {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.store.load(&id(key), touch).await?.map(|stored| self.read(stored)).transpose()
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.store.create(&id(key), &self.written(record)).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        Ok(match self.store.update(&id(key), expected, &self.written(record)).await? {
            UpdateOutcome::Conflict(stored) => UpdateOutcome::Conflict(self.read(stored)?),
            answer => answer,
        })
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.store.touch(&id(key), expires_at).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.store.delete(&id(key)).await?.map(|stored| self.read(stored)).transpose()
    }

    fn capabilities(&self) -> Capabilities<'_> {
        self.store.capabilities()
    }
}
