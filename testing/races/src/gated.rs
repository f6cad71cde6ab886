//! A store whose operations a test can stop, fail, and count.

mod trap;

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::Timestamp;
use cloakroom::store::{
    Capabilities, CreateOutcome, Cursor, Entry, Error, ErrorKind, HeadPage, OwnerKey, Owners, Page, Record,
    Result, Scan, Store, StoreKey, Sweep, SweepStats, Touch, UpdateOutcome, Version, VersionedRecord,
    async_trait,
};

use crate::Gate;
use trap::{Deed, Trap};
pub use trap::{Op, When};

/// Hands every operation on to another store; a test can set traps in its way. Clones are the same store.
#[derive(Clone)]
pub struct Gated(Arc<Inside>);

struct Inside {
    store: Arc<dyn Store>,
    traps: Mutex<Vec<Trap>>,
    outage: Mutex<Option<ErrorKind>>,
    hanging: Mutex<Option<Gate>>,
    trips: [AtomicU64; Op::COUNT],
    keys: Mutex<HashSet<StoreKey>>,
}

impl Gated {
    /// Puts itself before `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let inside = Inside {
            store,
            traps: Mutex::default(),
            outage: Mutex::default(),
            hanging: Mutex::default(),
            trips: Default::default(),
            keys: Mutex::default(),
        };
        Self(Arc::new(inside))
    }

    /// Stops the next operation of this kind until the gate is opened.
    ///
    /// Traps for one kind wait in line: the first operation walks into the first trap, the next into the next.
    pub fn stop(&self, op: Op, when: When, name: &'static str) -> Gate {
        self.stop_any(&[op], when, name)
    }

    /// Stops the next operation of one of these kinds.
    pub fn stop_any(&self, ops: &[Op], when: When, name: &'static str) -> Gate {
        let gate = Gate::new(name);
        self.set(ops, when, Deed::Stop(gate.clone()));
        gate
    }

    /// Fails the next operation of this kind, as a store does that cannot be reached. [`When::After`]: it took
    /// effect all the same, and its answer was lost.
    pub fn fail(&self, op: Op, when: When) {
        self.fail_with(op, when, ErrorKind::Unavailable);
    }

    /// Fails the next operation with another error.
    pub fn fail_with(&self, op: Op, when: When, kind: ErrorKind) {
        self.set(&[op], when, Deed::Fail(kind));
    }

    /// Fails the next operation of one of these kinds.
    pub fn fail_any(&self, ops: &[Op], when: When) {
        self.set(ops, when, Deed::Fail(ErrorKind::Unavailable));
    }

    fn set(&self, ops: &[Op], when: When, deed: Deed) {
        lock(&self.0.traps).push(Trap { ops: ops.to_vec(), when, deed });
    }

    /// Lets the next operation of this kind pass, so that the next trap catches the one after it.
    pub fn spare(&self, op: Op) {
        self.set(&[op], When::Before, Deed::Spare);
    }

    /// Lets the next operation of this kind take effect, stops, and then loses its answer.
    pub fn lose(&self, op: Op, name: &'static str) -> Gate {
        let gate = Gate::new(name);
        self.set(&[op], When::After, Deed::StopAndFail(gate.clone()));
        gate
    }

    /// Lets no operation reach the store from now on; `None` ends that.
    pub fn fall_silent(&self, outage: Option<ErrorKind>) {
        *lock(&self.0.outage) = outage;
    }

    /// Leaves every operation without an answer, like a store that hangs, until it [answers](Self::answer) again. The gate
    /// tells of each that began; opened for all, it lets those go on.
    pub fn hang(&self) -> Gate {
        let gate = Gate::new("an operation of a store that hangs");
        *lock(&self.0.hanging) = Some(gate.clone());
        gate
    }

    /// Ends that: from now on operations are answered.
    pub fn answer(&self) {
        *lock(&self.0.hanging) = None;
    }

    /// Counts the operations of a kind.
    pub fn trips(&self, op: Op) -> u64 {
        self.0.trips[op as usize].load(Ordering::SeqCst)
    }

    /// Counts the operations of all kinds.
    pub fn all_trips(&self) -> u64 {
        self.0.trips.iter().map(|count| count.load(Ordering::SeqCst)).sum()
    }

    /// Returns whether every trap has caught an operation.
    pub fn has_no_traps(&self) -> bool {
        lock(&self.0.traps).is_empty()
    }

    /// Returns every key that was ever named.
    pub fn keys(&self) -> Vec<StoreKey> {
        lock(&self.0.keys).iter().cloned().collect()
    }

    /// Returns the store behind.
    pub fn behind(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// Returns every live record.
    pub async fn records(&self) -> Vec<Entry> {
        let Some(scan) = self.0.store.capabilities().scan else { return self.records_named().await };
        let (mut entries, mut after) = (Vec::new(), None);
        loop {
            let page = scan.scan(after.as_ref(), 100).await.expect("a store that is up scans");
            entries.extend(page.entries);
            match page.next {
                Some(next) => after = Some(next),
                None => return entries,
            }
        }
    }

    /// Every live record whose key was ever named, for a store that cannot scan.
    async fn records_named(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for key in self.keys() {
            let found = self.0.store.load(&key, None).await.expect("a store that is up loads");
            entries.extend(found.map(|stored| Entry::new(key, stored)));
        }
        entries
    }

    async fn pass<T>(
        &self,
        op: Op,
        key: Option<&StoreKey>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.0.trips[op as usize].fetch_add(1, Ordering::SeqCst);
        if let Some(key) = key {
            lock(&self.0.keys).insert(key.clone());
        }
        let outage = *lock(&self.0.outage);
        if let Some(kind) = outage {
            return Err(Error::new(kind, "the gated store is set to fall silent"));
        }
        let hanging = lock(&self.0.hanging).clone();
        if let Some(gate) = hanging {
            gate.pass().await;
        }
        let trap = Trap::take(&mut lock(&self.0.traps), op);
        match trap {
            None => work.await,
            Some(trap) => trap.spring(work).await,
        }
    }

    fn owners(&self) -> &dyn Owners {
        self.0.store.capabilities().owners.expect("asked only where the store has owners")
    }

    fn scanner(&self) -> &dyn Scan {
        self.0.store.capabilities().scan.expect("asked only where the store can scan")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for Gated {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.pass(Op::Load, Some(key), self.0.store.load(key, touch)).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.pass(Op::Create, Some(key), self.0.store.create(key, record)).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.pass(Op::Update, Some(key), self.0.store.update(key, expected, record)).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.pass(Op::Touch, Some(key), self.0.store.touch(key, expires_at)).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.pass(Op::Delete, Some(key), self.0.store.delete(key)).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        let has = self.0.store.capabilities();
        let mut capabilities = Capabilities::NONE;
        if has.sweep.is_some() {
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
        capabilities
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Sweep for Gated {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let sweep = self.0.store.capabilities().sweep.expect("asked only where the store can sweep");
        self.pass(Op::Sweep, None, sweep.sweep(limit)).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Scan for Gated {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.pass(Op::Scan, None, self.scanner().scan(after, limit)).await
    }
    async fn count(&self) -> Result<u64> {
        self.pass(Op::Scan, None, self.scanner().count()).await
    }
    async fn clear(&self) -> Result<u64> {
        self.pass(Op::Scan, None, self.scanner().clear()).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Owners for Gated {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        self.pass(Op::List, None, self.owners().list(owner, after, limit)).await
    }
    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        self.pass(Op::Revoke, None, self.owners().revoke(owner, at)).await
    }
}

impl fmt::Debug for Gated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gated").field(&self.0.store).finish()
    }
}
