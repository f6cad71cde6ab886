//! A fast store in front of a durable one.

mod builder;
mod capabilities;
mod copy;
mod front;
#[cfg(all(test, shuttle))]
mod tests_under_shuttle;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_store::{
    Capabilities, Clock, CreateOutcome, Record, Result, Store, StoreKey, Timestamp, Touch, UpdateOutcome,
    Version, VersionedRecord,
};

pub use self::builder::CachedStoreBuilder;
use self::copy::{Copy, mark};
use self::front::{Front, Replaced, Seen, Silent};
use self::trust::Trust;

/// Puts a fast store in front of a durable one: the fast one answers loads, the durable one decides everything.
///
/// Any pair will do. The fast tier may be private, such as a [`MemoryStore`](super::MemoryStore) in each of several
/// processes, or shared, such as a server in memory. It must hold nothing else.
///
/// ```
/// use cloakroom::stores::{MemoryStore, CachedStore};
/// use std::{sync::Arc, time::Duration};
///
/// # let durable = Arc::new(MemoryStore::new());
/// let store = CachedStore::builder(Arc::new(MemoryStore::new()), durable) // the latter is SQLite, PostgreSQL …
///     .max_staleness(Duration::from_secs(5))
///     .build();
/// ```
///
/// # The bound
/// Every write (create, update, touch, delete, revoke, clear) goes to the durable tier, under its version, and what that
/// says is the answer. So no write is ever lost, and nothing that ended is ever written again. Only a load can be
/// answered by the fast tier, if it carries a touch that is not due, as those of requests do. Then:
///
/// 1. **The answer was true less than [`max_staleness`](CachedStoreBuilder::max_staleness) ago.** A copy counts from
///    the moment at which asking the durable tier for it *began*, so one that was long under way is older for it,
///    and may be dead on arrival. Nothing but asking again makes it younger.
/// 2. **What was written through this store is seen at once**, from the moment that the write is answered. So in one
///    process nothing is weaker than in the durable tier alone.
/// 3. The same holds between processes that share one fast tier, but for revocations where that cannot find the records
///    of a user, as memcached cannot: those are known to the others as in 4.
/// 4. Between processes with a fast tier each, a log-out at one is unknown to reads at another for less than
///    `max_staleness`. A write there learns of it at once. Afterwards it is dead everywhere, for ever.
///
/// A load without a touch asks the durable tier: so the engine looks again before it decides. With `max_staleness` zero,
/// the durable tier is asked each time, and the contract holds to the letter between processes too.
/// A fast tier that loses what was written within `max_staleness`, because it is full or was restarted, takes 2 and 3 back
/// to 1.
///
/// The clock of the process measures the bound. If it is set back, the bound is longer by as much, once.
///
/// # How a late copy loses
/// Whoever asks the durable tier has looked into the fast one before, and puts the copy in the place of exactly what
/// was there, under its version. Every write leaves a copy or a mark there, under another version. So a copy of
/// what was there before the write does not get in; and when the mark is gone, after `max_staleness`, such a copy is too
/// old to be served. A load whose copy does not get in leaves a mark, unless a copy of the same is there, and so does a
/// load that finds nothing: who has seen a write that is not answered yet is not followed by one who has not.
///
/// # Outages
/// When the fast tier fails, or is silent for [100 ms](CachedStoreBuilder::cache_timeout), the durable tier is asked and the
/// fast one is left alone for a second. Writes go on; what they changed is not believed to the fast tier afterwards.
/// An outage of the durable tier is one: what the fast tier still has is served for less than `max_staleness`.
///
/// # Cost
/// A load that the fast tier answers makes no trip to the durable one. Any other operation makes as many as without a
/// fast tier, and two or three to the fast one. An id that leads nowhere costs the fast tier a mark, which lasts for
/// `max_staleness`, or until it is swept. So bound what anybody can fill, such as a [`MemoryStore`](super::MemoryStore),
/// with room for as many marks as requests may come in that time: one that is full loses marks, as was said above.
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

    /// What may be answered without asking the durable tier.
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
    /// Whoever is answered with this must not be followed by somebody who is answered with something earlier, and
    /// which of two answers is the later one cannot be told. So if this one does not get in, another one is not left
    /// there either. That nothing was found is kept too, for as long: such a key costs the fast tier a mark.
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

    /// Whether what is in the fast tier is a copy of what the durable tier said. A mark says nothing: another load may
    /// have seen it before it asked, and put a copy of earlier in its place.
    fn says_the_same(seen: &Seen, found: Option<&VersionedRecord>) -> bool {
        let (Seen::Something(kept), Some(found)) = (seen, found) else { return false };
        Copy::decode(&kept.record).is_some_and(|copy| copy.stored.version == found.version)
    }

    /// Makes the fast tier forget what was there before a write, and keeps what is there now, if that is known.
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

    /// Asks the durable tier, and sees to it that no earlier copy is served once it has answered.
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

    /// Until when what is written now has to stay in the fast tier: whoever asked before is too late by then.
    fn until(&self) -> Timestamp {
        self.clock.now() + self.max_staleness
    }
}

/// How often a mark that others overtake is tried again; after that, the fast tier is not believed.
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
        Self::Known(VersionedRecord { record: record.clone(), version })
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
