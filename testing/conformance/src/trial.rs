//! What a case has at hand: the store, the time, keys and owners of its own.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloakroom_store::{Owner, OwnerKey, Owners, Record, Scan, Store, StoreKey, Sweep, Timestamp, Version};

use crate::expect::created;
use crate::failure::{Outcome, Stop};
use crate::harness::{Harness, Limits};

/// How many bytes stand before a key of our choice where others have records.
const PREFIX: usize = size_of::<u64>();
const AN_HOUR: Duration = Duration::from_secs(3_600);

/// One run of one case.
pub(crate) struct Trial<'h> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) harness: &'h dyn Harness,
    pub(crate) limits: Limits,
    /// Tells this run's keys and owners from those of every other run.
    tag: u64,
    began: Timestamp,
    made: AtomicU64,
    used: Mutex<Vec<StoreKey>>,
}

impl<'h> Trial<'h> {
    pub(crate) fn new(harness: &'h dyn Harness) -> Self {
        Self {
            store: harness.store(),
            harness,
            limits: harness.limits(),
            tag: RandomState::new().hash_one(0),
            began: harness.now(),
            made: AtomicU64::new(0),
            used: Mutex::default(),
        }
    }

    /// Deletes what the case made; the case has its verdict already, so errors say nothing.
    pub(crate) async fn clean_up(&self) {
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        for key in used {
            drop(self.store.delete(&key).await);
        }
    }
}

/// Names.
impl Trial<'_> {
    /// A key that nothing has used before: 32 bytes in no order, as the engine's are.
    pub(crate) fn key(&self) -> StoreKey {
        let scattered = self.next().wrapping_mul(0x9e37_79b9_7f4a_7c15); // odd, so no two are the same
        let mut hash = [0x5a; 32];
        hash[..8].copy_from_slice(&scattered.to_be_bytes());
        hash[8..16].copy_from_slice(&self.tag.to_be_bytes());
        self.remember(StoreKey::from_hash(hash))
    }

    pub(crate) fn keys(&self, count: usize) -> Vec<StoreKey> {
        (0..count).map(|_| self.key()).collect()
    }

    /// A key of exactly these bytes, or behind a prefix of our own where others have records.
    fn key_of(&self, bytes: &[u8]) -> Outcome<StoreKey> {
        if self.limits.alone {
            return Ok(self.remember(StoreKey::from_bytes(bytes)?));
        }
        let mut prefixed = self.tag.to_be_bytes().to_vec();
        prefixed.extend_from_slice(bytes);
        Ok(self.remember(StoreKey::from_bytes(&prefixed)?))
    }

    /// The keys of these bytes, without those that are too long behind our prefix.
    pub(crate) fn keys_of(&self, names: &[Vec<u8>]) -> Outcome<Vec<StoreKey>> {
        let longest = if self.limits.alone { StoreKey::MAX_LEN } else { StoreKey::MAX_LEN - PREFIX };
        names.iter().filter(|name| name.len() <= longest).map(|name| self.key_of(name)).collect()
    }

    fn remember(&self, key: StoreKey) -> StoreKey {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push(key.clone());
        key
    }

    /// An owner that nothing has named before.
    pub(crate) fn owner(&self) -> Outcome<OwnerKey> {
        Ok(OwnerKey::new(format!("owner-{:016x}-{}", self.tag, self.next()))?)
    }

    /// An owner that ends with these bytes; the same bytes give the same owner.
    pub(crate) fn owner_of(&self, bytes: &[u8]) -> Outcome<OwnerKey> {
        let mut name = format!("{:016x}", self.tag).into_bytes();
        name.extend_from_slice(bytes);
        Ok(OwnerKey::new(name)?)
    }

    fn next(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }
}

/// Time.
impl Trial<'_> {
    pub(crate) fn now(&self) -> Timestamp {
        self.harness.now()
    }

    /// An expiry that no case reaches.
    pub(crate) fn late(&self) -> Timestamp {
        self.now() + 24 * AN_HOUR
    }

    /// An expiry that a case reaches by waiting.
    pub(crate) fn soon(&self) -> Timestamp {
        self.now() + self.limits.tick
    }

    /// The moment `seconds` after an hour before this run: when owners logged in, or were revoked.
    pub(crate) fn at(&self, seconds: u64) -> Timestamp {
        self.began - AN_HOUR + Duration::from_secs(seconds)
    }

    /// Lets time pass until `moment`.
    pub(crate) async fn wait_until(&self, moment: Timestamp) -> Outcome {
        if moment.since(self.now()) > self.limits.longest_wait {
            return Err(Stop::NotApplicable("the harness cannot let that much time pass"));
        }
        while self.now() < moment {
            self.harness.advance(moment.since(self.now())).await;
        }
        Ok(())
    }

    /// Lets time pass until shortly before `expiry`: as shortly as the harness can tell.
    pub(crate) async fn wait_until_just_before(&self, expiry: Timestamp) -> Outcome {
        self.wait_until(expiry - self.limits.precision).await
    }
}

/// Records.
impl Trial<'_> {
    /// A record that no case sees expire, with a payload that no other one has.
    pub(crate) fn record(&self) -> Record {
        Record::new(format!("payload {}", self.next()), self.late())
    }

    /// A record that expires at `expires_at`.
    pub(crate) fn record_until(&self, expires_at: Timestamp) -> Record {
        self.record().with_expires_at(expires_at)
    }

    /// A record of `owner`, whose log-in began at `logged_in_at`.
    pub(crate) fn record_of(&self, owner: &OwnerKey, since: Timestamp) -> Record {
        self.record().with_owner(Owner::new(owner.clone(), since))
    }
}

/// Beginnings that many cases share.
impl Trial<'_> {
    /// Creates `record` under a new key.
    pub(crate) async fn kept(&self, record: &Record) -> Outcome<(StoreKey, Version)> {
        let key = self.key();
        let version = created(self.store.create(&key, record).await?)?;
        Ok((key, version))
    }

    /// Creates a record under a new key and lets time pass until it has expired.
    pub(crate) async fn expired(&self) -> Outcome<(StoreKey, Version)> {
        let record = self.record_until(self.soon());
        let kept = self.kept(&record).await?;
        self.wait_until(record.expires_at).await?;
        Ok(kept)
    }
}

/// What not every store has.
impl Trial<'_> {
    pub(crate) fn sweep(&self) -> Outcome<&dyn Sweep> {
        self.store.capabilities().sweep.ok_or(Stop::NotApplicable("the store cannot sweep"))
    }

    pub(crate) fn scan(&self) -> Outcome<&dyn Scan> {
        self.store.capabilities().scan.ok_or(Stop::NotApplicable("the store cannot scan"))
    }

    pub(crate) fn owners(&self) -> Outcome<&dyn Owners> {
        owners(&*self.store)
    }

    /// Another handle on the same records.
    pub(crate) async fn other_handle(&self) -> Outcome<Arc<dyn Store>> {
        self.harness.reopen().await?.ok_or(Stop::NotApplicable("the store has one handle only"))
    }

    /// Some handles on the same records, at least the store itself.
    pub(crate) async fn handles(&self) -> Outcome<Vec<Arc<dyn Store>>> {
        let mut handles = vec![Arc::clone(&self.store)];
        for _ in 0..2 {
            handles.extend(self.harness.reopen().await?);
        }
        Ok(handles)
    }

    /// Ends a case that touches records of others, unless the store holds no others.
    pub(crate) fn alone(&self) -> Outcome {
        if self.limits.alone { Ok(()) } else { Err(Stop::NotApplicable("the store holds records of others")) }
    }
}

pub(crate) fn owners(store: &dyn Store) -> Outcome<&dyn Owners> {
    store.capabilities().owners.ok_or(Stop::NotApplicable("the store does not know owners"))
}
