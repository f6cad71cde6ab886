//! The contract, over a store that sees sealed records.

use std::fmt;

use cloakroom_sealing::SealingKeys;
use cloakroom_store::{
    Bytes, Capabilities, CreateOutcome, Error, ErrorKind, Owner, OwnerKey, Record, Result, Store, StoreKey,
    Timestamp, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};

use crate::Builder;
use crate::error::{looks_sealed, no_random, too_large};
use crate::layout::{self, Place};
use crate::owner::Blinding;

/// Seals the payloads of records before another store sees them, and opens them again.
///
/// It is a [`Store`] like the one inside, with its capabilities, in front of which it may be put at any time. See the
/// [front page](crate).
#[derive(Clone)]
pub struct EncryptedStore<S> {
    pub(crate) inner: S,
    pub(crate) keys: SealingKeys,
    pub(crate) blinding: Option<Blinding>,
    pub(crate) accepts_plain: bool,
    pub(crate) seals: bool,
    pub(crate) max_payload: usize,
}

impl<S: Store> EncryptedStore<S> {
    /// Seals what `inner` keeps, with the settings that [`builder`](Self::builder) begins with.
    pub fn new(inner: S, keys: SealingKeys) -> Self {
        Self::builder(inner, keys).build()
    }

    /// Begins with the default settings: everything is sealed, only what is sealed is read, the store sees the names of users.
    pub fn builder(inner: S, keys: SealingKeys) -> Builder<S> {
        Builder::new(inner, keys)
    }

    /// Returns whether records that are not sealed are read.
    pub(crate) fn reads_plain(&self) -> bool {
        self.accepts_plain || !self.seals
    }

    /// Returns a record as the store inside gets it.
    fn seal(&self, key: &StoreKey, record: &Record) -> Result<Record> {
        if record.payload.len() > self.max_payload {
            return Err(too_large(self.max_payload));
        }
        if !self.seals {
            // It could not be read again.
            return if layout::is_sealed(&record.payload) { Err(looks_sealed()) } else { Ok(record.clone()) };
        }
        let (owner, hidden) = match (&record.owner, &self.blinding) {
            (Some(owner), Some(blinding)) => {
                let blinded = Owner::new(blinding.blind(&owner.key)?, owner.logged_in_at);
                (Some(blinded), Some(&owner.key))
            }
            (owner, _) => (owner.clone(), None),
        };
        let place = Place::new(key, owner.as_ref(), record.sliding);
        let payload = layout::seal(&self.keys, place, &record.payload, hidden).map_err(no_random)?;
        Ok(Record::new(payload, record.expires_at).with_sliding(record.sliding).with_owner(owner))
    }

    /// Returns what the store inside has as it was before it was sealed.
    pub(crate) fn open(&self, key: &StoreKey, stored: VersionedRecord) -> Result<VersionedRecord> {
        let VersionedRecord { record, version, .. } = stored;
        if self.reads_plain() && !layout::is_sealed(&record.payload) {
            return Ok(VersionedRecord::new(record, version));
        }
        let place = Place::new(key, record.owner.as_ref(), record.sliding);
        let opened = layout::open(&self.keys, place, &record.payload)?;
        let named = |mut owner: Owner| {
            owner.key = opened.owner.unwrap_or(owner.key);
            owner
        };
        let owner = record.owner.clone().map(named);
        let record = record.with_payload(opened.payload).with_owner(owner);
        Ok(VersionedRecord::new(record, version))
    }

    /// Returns what a list shows as it was before it was sealed. `owner` is its name in the store.
    pub(crate) fn open_head(
        &self,
        key: &StoreKey,
        owner: (&OwnerKey, Timestamp),
        sliding: bool,
        head: Bytes,
    ) -> Result<Bytes> {
        if self.reads_plain() && !layout::is_sealed(&head) {
            return Ok(head);
        }
        Ok(layout::open_head(&self.keys, Place { key, owner: Some(owner), sliding }, &head)?)
    }
}

/// How often a removal is tried again that other writes overtake.
const MOST_ROUNDS: usize = 64;

#[async_trait]
impl<S: Store> Store for EncryptedStore<S> {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let found = self.inner.load(key, touch).await?;
        found.map(|stored| self.open(key, stored)).transpose()
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.inner.create(key, &self.seal(key, record)?).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        match self.inner.update(key, expected, &self.seal(key, record)?).await? {
            UpdateOutcome::Conflict(stored) => Ok(UpdateOutcome::Conflict(self.open(key, stored)?)),
            answer => Ok(answer),
        }
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.inner.touch(key, expires_at).await
    }

    /// Removes exactly what it could open, so that a record whose key is missing stays.
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let ended = self.seal(key, &Record::expired())?;
        let mut found = self.inner.load(key, None).await?;
        for _ in 0..MOST_ROUNDS {
            let Some(stored) = found else { return Ok(None) };
            let opened = self.open(key, stored)?;
            match self.inner.update(key, opened.version, &ended).await? {
                UpdateOutcome::Updated(_) => return Ok(Some(opened)),
                UpdateOutcome::Conflict(other) => found = Some(other),
                UpdateOutcome::NotFound | UpdateOutcome::Revoked => return Ok(None),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "other writes overtook a removal too often"))
    }

    fn capabilities(&self) -> Capabilities<'_> {
        let has = self.inner.capabilities();
        let mut capabilities = Capabilities::NONE;
        // Nothing of a sweep, a clock or a missed touch is sealed. `Immediate` would bypass the wrapper.
        (capabilities.sweep, capabilities.server_clock) = (has.sweep, has.server_clock);
        capabilities.missed_touches = has.missed_touches;
        if has.scan.is_some() {
            capabilities = capabilities.with_scan(self);
        }
        if has.owners.is_some() {
            capabilities = capabilities.with_owners(self);
        }
        capabilities
    }
}

impl<S: fmt::Debug> fmt::Debug for EncryptedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedStore")
            .field("inner", &self.inner)
            .field("keys", &self.keys)
            .field("hides_owners", &self.blinding.is_some())
            .field("accepts_plain", &self.accepts_plain)
            .field("seals", &self.seals)
            .finish_non_exhaustive()
    }
}
