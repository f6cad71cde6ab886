#![doc = include_str!("../README.md")]

mod builder;
mod capabilities;
mod copy;
mod front;
#[cfg(all(test, shuttle))]
mod tests_under_shuttle;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Capabilities, Clock, CreateOutcome, Record, Result, Store, StoreKey, Timestamp, Touch, UpdateOutcome,
    Version, VersionedRecord, async_trait,
};

pub use self::builder::CachedStoreBuilder;
use self::copy::{Copy, mark};
use self::front::{Front, Replaced, Seen, Silent};
use self::trust::Trust;

/// Puts a fast store in front of a durable one: the fast one answers loads, the durable one decides everything.
///
/// It works with any two stores. The fast tier may be private, such as a `MemoryStore` in each of
/// several processes, or shared, such as a server in memory. It must hold nothing else.
///
/// ```
/// use cloakroom_cached::CachedStore;
/// use cloakroom_memory::MemoryStore;
/// use std::{sync::Arc, time::Duration};
///
/// # let durable = Arc::new(MemoryStore::new());
/// let store = CachedStore::builder(Arc::new(MemoryStore::new()), durable) // the latter is SQLite, PostgreSQL …
///     .max_staleness(Duration::from_secs(5))
///     .build();
/// ```
///
/// # The bound
/// Every write (create, update, touch, delete, revoke, clear) goes to the durable tier, which decides by its version and
/// gives the answer. So no write is ever lost, and nothing that ended is ever written again. The fast tier answers only
/// loads with a touch that is not due, as requests make them. For these loads:
///
/// 1. **The answer was true less than [`max_staleness`](CachedStoreBuilder::max_staleness) ago.** The age of a copy counts
///    from the moment at which its load from the durable tier *began*, so a copy whose load took long may be too old
///    when it arrives. Only another load makes it younger.
/// 2. **A write through this store is seen at once**, from the moment that the write is answered. So in one
///    process nothing is weaker than in the durable tier alone.
/// 3. The same holds between processes that share one fast tier. The exception are revocations, if the fast tier cannot
///    find the records of a user, as memcached cannot: other processes see those as in 4.
/// 4. Between processes with a fast tier each, loads at one may miss a log-out at another, for less than
///    `max_staleness`. A write sees it at once. Afterwards the session is dead everywhere, for ever.
///
/// A load without a touch asks the durable tier; the engine makes such a load before it decides something. With
/// `max_staleness` zero, the durable tier is asked each time, and the whole contract holds between processes too.
/// If a fast tier loses what was written within `max_staleness`, because it is full or was restarted, only 1 holds for that.
///
/// The clock of the process measures the bound. If it is set back, the bound is longer by as much, once.
///
/// # How a late copy loses
/// Before a load asks the durable tier, it reads the fast one. Its copy then replaces exactly what it read there, on
/// condition that the version has not changed. Every write leaves a copy or a mark with another version there. So a copy
/// from before the write is refused; and when the mark is gone, after `max_staleness`, such a copy is too old to be served.
/// A load whose copy is refused leaves a mark, unless a copy of the same is there, and so does a
/// load that finds nothing: after a load has seen a write that is not answered yet, no later load misses it.
///
/// # Outages
/// When the fast tier fails, or does not answer for [100 ms](CachedStoreBuilder::cache_timeout), the durable tier is asked,
/// and the fast one is not used for a second. Writes go on; copies of what they changed are not used afterwards.
/// In an outage of the durable tier, the fast tier still serves its copies for less than `max_staleness`.
///
/// # Cost
/// A load that the fast tier answers makes no trip to the durable one. Any other operation makes as many as without a
/// fast tier, and two or three to the fast one. An unknown id costs the fast tier a mark, which lasts for
/// `max_staleness`, or until it is swept. So limit the size of a `MemoryStore`, with room for as many
/// marks as requests may come in that time: a store that is full loses marks, with the effect described above.
#[derive(Debug)]
pub struct CachedStore {
    front: Front,
    backing: Arc<dyn Store>,
    max_staleness: Duration,
    trust: Trust,
    clock: Arc<dyn Clock>,
}

impl CachedStore {
    /// Puts `fast` in front of `durable`, with the settings that [`builder`](Self::builder) begins with.
    pub fn new(cache: Arc<dyn Store>, backing: Arc<dyn Store>) -> Self {
        Self::builder(cache, backing).build()
    }

    /// Begins with the default settings: answers up to 1 second old, the system's clock.
    pub fn builder(cache: Arc<dyn Store>, backing: Arc<dyn Store>) -> CachedStoreBuilder {
        CachedStoreBuilder::new(cache, backing)
    }

    fn passes_through(&self) -> bool {
        self.max_staleness.is_zero()
    }

    /// Returns what may be answered without asking the durable tier.
    fn answer(&self, key: &StoreKey, seen: &Seen, touch: Touch) -> Option<VersionedRecord> {
        let Seen::Something(kept) = seen else { return None };
        let Copy { asked_at, stored } = Copy::decode(&kept.record)?;
        let now = self.clock.now();
        let young = asked_at <= now && now < asked_at + self.max_staleness;
        let stays = stored.record.is_live(now) && touch.extended_expiry(&stored.record).is_none();
        (young && stays && self.trust.covers(key, asked_at)).then_some(stored)
    }

    /// Keeps what the durable tier said, if the fast tier still has what was seen before.
    ///
    /// After a load has returned this, no later load may return an earlier state, and it is unknown which of two answers
    /// is the later one. So if this one is refused, another one is removed too. A missing record is kept as a mark, for as long.
    async fn fill(&self, key: &StoreKey, seen: Seen, found: Option<&VersionedRecord>, asked_at: Timestamp) {
        let keep = match found {
            Some(stored) => Copy { asked_at, stored: stored.clone() }.encode(self.until()),
            None => mark(self.until()),
        };
        let left = match self.front.replace(key, &seen, &keep).await {
            Ok(Replaced::Done) => return,
            Ok(Replaced::Lost(other)) if Self::says_the_same(&other, found) => return,
            Ok(Replaced::Lost(other)) => Ok(other),
            Ok(Replaced::Refused) => Ok(seen),
            Err(Silent) => Err(Silent),
        };
        let unsettled = self.trust.unsettled(Some(key));
        if self.settle(key, left, None, asked_at).await.is_ok() {
            unsettled.settled();
        }
    }

    /// Returns whether what is in the fast tier is a copy of what the durable tier said. A mark says nothing: another
    /// load may have seen it before it asked, and put a copy of earlier in its place.
    fn says_the_same(seen: &Seen, found: Option<&VersionedRecord>) -> bool {
        let (Seen::Something(kept), Some(found)) = (seen, found) else { return false };
        Copy::decode(&kept.record).is_some_and(|copy| copy.stored.version == found.version)
    }

    /// Replaces the copy in the fast tier after a write: by the new record if it is known, else by a mark.
    async fn settle(
        &self,
        key: &StoreKey,
        seen: Result<Seen, Silent>,
        known: Option<VersionedRecord>,
        asked_at: Timestamp,
    ) -> Result<(), Silent> {
        let mut seen = seen?;
        if let Some(stored) = known {
            let keep = Copy { asked_at, stored }.encode(self.until());
            match self.front.replace(key, &seen, &keep).await? {
                Replaced::Done => return Ok(()),
                Replaced::Lost(other) => seen = other,
                Replaced::Refused => {}
            }
        }
        for _ in 0..MOST_MARKS {
            match self.front.replace(key, &seen, &mark(self.until())).await? {
                Replaced::Done => return Ok(()),
                Replaced::Lost(other) => seen = other,
                Replaced::Refused => break,
            }
        }
        Err(Silent)
    }

    /// Asks the durable tier, and ensures that no earlier copy is served once it has answered.
    async fn through<T>(
        &self,
        key: &StoreKey,
        asked: impl Future<Output = Result<T>> + Send,
        left: impl FnOnce(&T) -> Left + Send,
    ) -> Result<T> {
        if self.passes_through() {
            return asked.await;
        }
        let asked_at = self.clock.now();
        let seen = self.front.look(key).await;
        let unsettled = self.trust.unsettled(Some(key));
        let answer = asked.await;
        let left = match &answer {
            Ok(answer) => left(answer),
            Err(error) if error.is_uncertain() => Left::Unknown,
            Err(_) => Left::Nothing,
        };
        let settled = match left {
            Left::Nothing => Ok(()),
            Left::Known(stored) => self.settle(key, seen, Some(stored), asked_at).await,
            Left::Unknown => self.settle(key, seen, None, asked_at).await,
        };
        if settled.is_ok() {
            unsettled.settled();
        }
        answer
    }

    /// Returns until when what is written now has to stay in the fast tier: by then, every load that began before is
    /// too late.
    fn until(&self) -> Timestamp {
        self.clock.now() + self.max_staleness
    }
}

/// How often a mark is tried again that other writes overtake; after that, the fast tier's copy is not used.
const MOST_MARKS: usize = 8;

/// What a write has left in the durable tier.
enum Left {
    /// What was there.
    Nothing,
    /// This.
    Known(VersionedRecord),
    /// Something else than was there, or no record.
    Unknown,
}

impl Left {
    fn record(record: &Record, version: Version) -> Self {
        Self::Known(VersionedRecord::new(record.clone(), version))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for CachedStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        if self.passes_through() {
            return self.backing.load(key, touch).await;
        }
        let Some(touch) = touch else {
            let look = self.backing.load(key, None);
            return self.through(key, look, |found| found.clone().map_or(Left::Unknown, Left::Known)).await;
        };
        let asked_at = self.clock.now();
        let seen = self.front.look(key).await;
        if let Ok(seen) = &seen
            && let Some(stored) = self.answer(key, seen, touch)
        {
            return Ok(Some(stored));
        }
        let found = self.backing.load(key, Some(touch)).await?;
        match seen {
            Ok(seen) => self.fill(key, seen, found.as_ref(), asked_at).await,
            Err(Silent) => self.trust.end(Some(key)),
        }
        Ok(found)
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let left = |answer: &CreateOutcome| match answer {
            CreateOutcome::Created(version) => Left::record(record, *version),
            CreateOutcome::AlreadyExists | CreateOutcome::Revoked => Left::Nothing,
        };
        self.through(key, self.backing.create(key, record), left).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        let left = |answer: &UpdateOutcome| match answer {
            UpdateOutcome::Updated(version) => Left::record(record, *version),
            UpdateOutcome::Conflict(stored) => Left::Known(stored.clone()),
            UpdateOutcome::NotFound => Left::Unknown,
            UpdateOutcome::Revoked => Left::Nothing,
        };
        self.through(key, self.backing.update(key, expected, record), left).await
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.through(key, self.backing.touch(key, expires_at), |_| Left::Unknown).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.through(key, self.backing.delete(key), |_| Left::Unknown).await
    }

    fn capabilities(&self) -> Capabilities<'_> {
        let has = self.backing.capabilities();
        let mut capabilities = Capabilities::NONE;
        if has.sweep.is_some() || self.front.store.capabilities().sweep.is_some() {
            capabilities = capabilities.with_sweep(self);
        }
        if has.scan.is_some() {
            capabilities = capabilities.with_scan(self);
        }
        if has.owners.is_some() {
            capabilities = capabilities.with_owners(self);
        }
        if let Some(clock) = has.server_clock {
            capabilities = capabilities.with_server_clock(clock);
        }
        if let Some(missed) = has.missed_touches {
            capabilities = capabilities.with_missed_touches(missed);
        }
        capabilities
    }
}
