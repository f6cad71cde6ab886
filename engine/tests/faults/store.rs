//! A store that a test controls.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom::store::{
    Capabilities, CreateOutcome, Cursor, Error, ErrorKind, HeadPage, OwnerKey, Owners, Page, Record, Result,
    Scan, Store, StoreKey, Sweep, SweepStats, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};
use cloakroom::stores::MemoryStore;
use cloakroom::{Clock, Timestamp};

pub(crate) use crate::rule::{Deed, Gate, Op, Rule};

/// A connection to a [`MemoryStore`] on which a test can stop, fail and hang operations, and which counts them.
/// Clones are the same connection.
#[derive(Clone)]
pub(crate) struct ControlledStore(Arc<Connection>);

struct Connection {
    memory: Arc<MemoryStore>,
    rules: Mutex<Vec<Rule>>,
    trips: Mutex<Vec<(Op, Option<StoreKey>)>>,
    latency: Mutex<Duration>,
    hook: Mutex<Option<Hook>>,
}

/// Code of the application that an operation runs.
type Hook = Arc<dyn Fn() + Send + Sync>;

impl ControlledStore {
    pub(crate) fn new(clock: impl Clock) -> Self {
        Self::to(Arc::new(MemoryStore::builder().clock(clock).build()))
    }

    /// Another connection to the same records: that of another process.
    pub(crate) fn another_connection(&self) -> Self {
        Self::to(self.0.memory.clone())
    }

    fn to(memory: Arc<MemoryStore>) -> Self {
        let (rules, trips, latency, hook) = Default::default();
        Self(Arc::new(Connection { memory, rules, trips, latency, hook }))
    }

    pub(crate) fn add(&self, rule: Rule) {
        lock(&self.0.rules).push(rule);
    }

    /// From now on, all operations are carried out and answered.
    pub(crate) fn recover(&self) {
        lock(&self.0.rules).clear();
    }

    /// From now on, no operation on this connection is carried out or answered: what a killed process looks like.
    pub(crate) fn die(&self) {
        self.recover();
        self.add(Rule::always(&Op::ALL, Deed::Hang));
    }

    /// Every operation takes so long from now on, so that requests truly overlap.
    pub(crate) fn slow_down(&self, latency: Duration) {
        *lock(&self.0.latency) = latency;
    }

    /// Runs `hook` at the beginning of every operation.
    pub(crate) fn run_at_each(&self, hook: impl Fn() + Send + Sync + 'static) {
        *lock(&self.0.hook) = Some(Arc::new(hook));
    }

    /// How many operations of these kinds there were.
    pub(crate) fn trips(&self, ops: &[Op]) -> usize {
        lock(&self.0.trips).iter().filter(|(op, _)| ops.contains(op)).count()
    }

    pub(crate) fn all_trips(&self) -> usize {
        lock(&self.0.trips).len()
    }

    pub(crate) fn forget_trips(&self) {
        lock(&self.0.trips).clear();
    }

    /// The key that was named last.
    pub(crate) fn last_key(&self) -> StoreKey {
        let trips = lock(&self.0.trips);
        trips.iter().rev().find_map(|(_, key)| key.clone()).expect("a key was named")
    }

    /// How many records of sessions there are: what renewals leave behind does not count.
    pub(crate) async fn sessions(&self) -> usize {
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.0.memory.scan(after.as_ref(), 100).await.expect("memory answers");
            count += page.entries.iter().filter(|entry| is_session(&entry.stored.record)).count();
            match page.next {
                Some(next) => after = Some(next),
                None => return count,
            }
        }
    }

    async fn pass<T>(
        &self,
        op: Op,
        key: Option<&StoreKey>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        lock(&self.0.trips).push((op, key.cloned()));
        let hook = lock(&self.0.hook).clone();
        if let Some(hook) = hook {
            hook();
        }
        let latency = *lock(&self.0.latency);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let deed = {
            let mut rules = lock(&self.0.rules);
            rules.iter_mut().find_map(|rule| rule.catches(op, key).then(|| rule.deed.clone()))
        };
        let lost = |kind| Err(Error::new(kind, "as the test wants it"));
        match deed {
            None => work.await,
            Some(Deed::Fail(kind)) => lost(kind),
            Some(Deed::Hang) => std::future::pending().await,
            Some(Deed::Panic) => panic!("the store panics, as the test wants it"),
            Some(Deed::Lose) => {
                work.await?;
                lost(ErrorKind::Unavailable)
            }
            Some(Deed::Hold(gate)) => {
                gate.wait().await;
                work.await
            }
            Some(Deed::LoseAt(gate)) => {
                work.await?;
                gate.wait().await;
                lost(ErrorKind::Unavailable)
            }
        }
    }
}

/// The second byte of a payload names its kind; see `docs/wire.md`.
fn is_session(record: &Record) -> bool {
    record.expires_at != Timestamp::EPOCH && !matches!(record.payload.get(1), Some(2 | 3))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Store for ControlledStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.pass(Op::Load, Some(key), self.0.memory.load(key, touch)).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.pass(Op::Create, Some(key), self.0.memory.create(key, record)).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.pass(Op::Update, Some(key), self.0.memory.update(key, expected, record)).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.pass(Op::Touch, Some(key), self.0.memory.touch(key, expires_at)).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.pass(Op::Delete, Some(key), self.0.memory.delete(key)).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE
            .with_sweep(self)
            .with_scan(self)
            .with_owners(self)
            .with_server_clock(&*self.0.memory)
    }
}

#[async_trait]
impl Sweep for ControlledStore {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        self.pass(Op::Sweep, None, self.0.memory.sweep(limit)).await
    }
}

#[async_trait]
impl Scan for ControlledStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.pass(Op::Scan, None, self.0.memory.scan(after, limit)).await
    }
    async fn count(&self) -> Result<u64> {
        self.pass(Op::Scan, None, self.0.memory.count()).await
    }
    async fn clear(&self) -> Result<u64> {
        self.pass(Op::Scan, None, self.0.memory.clear()).await
    }
}

#[async_trait]
impl Owners for ControlledStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        self.pass(Op::List, None, self.0.memory.list(owner, after, limit)).await
    }
    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        self.pass(Op::Revoke, None, self.0.memory.revoke(owner, at)).await
    }
}

impl fmt::Debug for ControlledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlledStore")
    }
}
