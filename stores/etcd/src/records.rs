//! Load, create, update, touch and delete: each a transaction on condition of what was seen.

use cloakroom_store::{
    Bytes, CreateOutcome, Owner, Record, StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
};

use crate::error::Failure;
use crate::layout::{beginning, read, write, write_head};
use crate::memory::Glimpse;
use crate::messages::{Compare, TxnRequest, TxnResponse};
use crate::server::Server;
use crate::transaction::{
    Keys, always, begins_with, delete, found, get, is_missing, is_of, is_value, put, range, revision,
};

/// How often a method begins again because another wrote in between. Each time, the other has got on.
const TRIES: usize = 1000;

/// What is under a record's key.
pub(crate) enum Item {
    None,
    /// A record that has expired; the server has not removed it yet.
    Expired(Seen),
    Live(VersionedRecord, Seen),
}

/// What a write replaces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// When it was written; 0 if nothing is there.
    revision: i64,
    owner: Option<Owner>,
    /// Which life of the server the revision is of.
    life: Option<Bytes>,
    /// What its value begins with, if only that was remembered.
    beginning: Option<Vec<u8>>,
}

impl Seen {
    /// That this is what is there.
    fn conditions(&self, name: &Bytes, life: &Bytes) -> Vec<Compare> {
        let there = match self.revision {
            0 => is_missing(Keys::one(name.clone())),
            revision => is_of(name.clone(), revision),
        };
        let life = self.life.clone().map(|value| is_value(life.clone(), value));
        let beginning = self.beginning.clone().map(|bytes| begins_with(name, bytes));
        life.into_iter().chain([there]).chain(beginning.into_iter().flatten()).collect()
    }
}

/// The result of a write.
enum Written {
    Done,
    /// What it would have begun was revoked.
    Refused,
    /// This is there instead of what was seen.
    Missed(Item),
}

impl Server {
    pub(crate) async fn load(
        &self,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>, Failure> {
        let now = self.now();
        let mut item = self.look(key, now).await?;
        for _ in 0..TRIES {
            let Item::Live(mut stored, seen) = item else { return Ok(None) };
            let Some(later) = touch.and_then(|touch| touch.extended_expiry(&stored.record)) else {
                return Ok(Some(stored));
            };
            let found = stored.clone();
            stored.record.expires_at = later;
            item = match self.write(key, &stored, &seen, now).await {
                Ok(Written::Missed(item)) => item,
                Ok(Written::Done | Written::Refused) => return Ok(Some(stored)),
                Err(failure) => {
                    return Ok(self
                        .missed_touches
                        .or_unmoved(Err::<Option<VersionedRecord>, _>(failure), found));
                }
            };
        }
        Err(Failure::CROWDED)
    }

    pub(crate) async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome, Failure> {
        let (now, stored) = (self.now(), versioned(record));
        let mut over = Seen::default();
        for _ in 0..TRIES {
            over = match self.write(key, &stored, &over, now).await? {
                Written::Done => return Ok(CreateOutcome::Created(stored.version)),
                Written::Refused => return Ok(CreateOutcome::Revoked),
                Written::Missed(Item::Live(..)) => return Ok(CreateOutcome::AlreadyExists),
                Written::Missed(Item::Expired(seen)) => seen,
                Written::Missed(Item::None) => Seen::default(),
            };
        }
        Err(Failure::CROWDED)
    }

    pub(crate) async fn update(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome, Failure> {
        let (now, stored) = (self.now(), versioned(record));
        let mut item = match self.recall(key, expected, now) {
            Some(seen) => match self.write(key, &stored, &seen, now).await? {
                Written::Done => return Ok(UpdateOutcome::Updated(stored.version)),
                Written::Refused => return Ok(UpdateOutcome::Revoked),
                Written::Missed(item) => item,
            },
            None => self.look(key, now).await?,
        };
        for _ in 0..TRIES {
            let Item::Live(there, seen) = item else { return Ok(UpdateOutcome::NotFound) };
            if there.version != expected {
                return Ok(UpdateOutcome::Conflict(there));
            }
            item = match self.write(key, &stored, &seen, now).await? {
                Written::Done => return Ok(UpdateOutcome::Updated(stored.version)),
                Written::Refused => return Ok(UpdateOutcome::Revoked),
                Written::Missed(item) => item,
            };
        }
        Err(Failure::CROWDED)
    }

    pub(crate) async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool, Failure> {
        let now = self.now();
        let mut item = self.look(key, now).await?;
        for _ in 0..TRIES {
            let Item::Live(mut stored, seen) = item else { return Ok(false) };
            if expires_at <= stored.record.expires_at {
                return Ok(true);
            }
            stored.record.expires_at = expires_at;
            item = match self.write(key, &stored, &seen, now).await? {
                Written::Missed(item) => item,
                Written::Done | Written::Refused => return Ok(true),
            };
        }
        Err(Failure::CROWDED)
    }

    pub(crate) async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>, Failure> {
        let now = self.now();
        let mut item = self.look(key, now).await?;
        for _ in 0..TRIES {
            let Item::Live(stored, seen) = item else { return Ok(None) };
            let name = self.layout.record(key);
            let mut success = vec![delete(Keys::one(name.clone()), false)];
            let listed = seen.owner.as_ref().map(|owner| self.layout.owned(owner, key));
            success.extend(listed.map(|name| delete(Keys::one(name), false)));
            let compare = seen.conditions(&name, &self.layout.life());
            let failure = vec![get(self.layout.life()), get(name)];
            let response = self.transact(TxnRequest { compare, success, failure }).await?;
            if response.succeeded {
                return Ok(Some(stored));
            }
            item = item_in(&response, now)?;
        }
        Err(Failure::CROWDED)
    }

    async fn look(&self, key: &StoreKey, now: Timestamp) -> Result<Item, Failure> {
        let request = || always(vec![get(self.layout.life()), get(self.layout.record(key))]);
        let mut response = self.transact(request()).await?;
        if found(&response, 0).is_empty() {
            self.live().await?;
            response = self.transact(request()).await?;
        }
        let item = item_in(&response, now)?;
        if let Item::Live(stored, seen) = &item {
            self.remember(key, stored, seen.revision, seen.life.clone());
        }
        Ok(item)
    }

    /// Writes the record and what lists it under its owner, in place of what was seen.
    async fn write(
        &self,
        key: &StoreKey,
        stored: &VersionedRecord,
        over: &Seen,
        now: Timestamp,
    ) -> Result<Written, Failure> {
        let lease = self.lease(now, stored.record.expires_at).await?;
        let request = self.request(key, stored, over, lease);
        let response = match self.transact(request.clone()).await {
            Err(failure) if failure.is_lease_gone() => {
                self.leases.forget();
                let lease = self.lease(now, stored.record.expires_at).await?;
                self.transact(self.request(key, stored, over, lease)).await?
            }
            response => response?,
        };
        if response.succeeded {
            self.remember(key, stored, revision(&response), life_in(&response));
            return Ok(Written::Done);
        }
        if !found(&response, 2).is_empty() {
            return Ok(Written::Refused);
        }
        Ok(Written::Missed(item_in(&response, now)?))
    }

    fn request(&self, key: &StoreKey, stored: &VersionedRecord, over: &Seen, lease: i64) -> TxnRequest {
        let (name, life) = (self.layout.record(key), self.layout.life());
        let mut compare = over.conditions(&name, &life);
        let mut success = vec![get(life.clone()), put(name.clone(), write(stored), lease)];
        let mut failure = vec![get(life), get(name)];
        if let Some(owner) = &stored.record.owner {
            success.push(put(self.layout.owned(owner, key), write_head(stored), lease));
        }
        if over.owner != stored.record.owner {
            let left = over.owner.as_ref().filter(|left| {
                // A user who logs in again keeps the key; etcd refuses to write and remove it in one transaction.
                stored.record.owner.as_ref().is_none_or(|owner| owner.key != left.key)
            });
            let left = left.map(|owner| Keys::one(self.layout.owned(owner, key)));
            success.extend(left.map(|keys| delete(keys, false)));
            if let Some(owner) = &stored.record.owner {
                let marks = self.layout.refusing(owner);
                compare.push(is_missing(marks.clone()));
                failure.push(range(marks, 1, true, 0));
            }
        }
        TxnRequest { compare, success, failure }
    }

    fn remember(&self, key: &StoreKey, stored: &VersionedRecord, revision: i64, life: Option<Bytes>) {
        let Some(life) = life else { return };
        let Record { expires_at, owner, sliding, .. } = stored.record.clone();
        let version = stored.version;
        self.memory.keep(key, Glimpse { life, revision, version, sliding, expires_at, owner });
    }

    /// Returns the live record with this version, if it was seen.
    fn recall(&self, key: &StoreKey, version: Version, now: Timestamp) -> Option<Seen> {
        let glimpse = self.memory.recall(key)?;
        let Glimpse { life, revision, owner, sliding, .. } = glimpse;
        let holds = glimpse.version == version && now < glimpse.expires_at;
        let beginning = Some(beginning(version, sliding, owner.is_some()));
        holds.then_some(Seen { revision, owner, life: Some(life), beginning })
    }
}

/// Returns what tells the server's life, where it was read first.
fn life_in(response: &TxnResponse) -> Option<Bytes> {
    found(response, 0).first().map(|life| life.value.clone())
}

/// Returns the record, where it was read after what tells the server's life.
fn item_in(response: &TxnResponse, now: Timestamp) -> Result<Item, Failure> {
    let [there, ..] = found(response, 1) else { return Ok(Item::None) };
    let stored = read(&there.value)?;
    let (revision, owner) = (there.mod_revision, stored.record.owner.clone());
    let seen = Seen { revision, owner, life: life_in(response), beginning: None };
    Ok(if stored.record.is_live(now) { Item::Live(stored, seen) } else { Item::Expired(seen) })
}

/// Returns the record with a version out of 2^64: none that this key had is met again, not even if the server has lost
/// its data.
fn versioned(record: &Record) -> VersionedRecord {
    VersionedRecord::new(record.clone(), Version::random())
}
