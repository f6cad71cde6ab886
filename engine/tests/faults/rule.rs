//! What a test does to the operations of a store.

use std::sync::Arc;

use cloakroom::store::{ErrorKind, StoreKey};
use tokio::sync::Semaphore;

/// An operation of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Load,
    Create,
    Update,
    Touch,
    Delete,
    List,
    Revoke,
    Scan,
    Sweep,
}

impl Op {
    pub(crate) const ALL: [Self; 9] = [
        Self::Load,
        Self::Create,
        Self::Update,
        Self::Touch,
        Self::Delete,
        Self::List,
        Self::Revoke,
        Self::Scan,
        Self::Sweep,
    ];
    pub(crate) const WRITES: [Self; 4] = [Self::Create, Self::Update, Self::Touch, Self::Delete];
}

/// What happens to an operation.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// It fails and does not take effect.
    Fail(ErrorKind),
    /// It takes effect, and its answer is lost.
    Lose,
    /// It does not take effect, and no answer ever comes.
    Hang,
    /// It takes effect once the gate is opened.
    Hold(Gate),
    /// It takes effect, and its answer is lost once the gate is opened.
    LoseAt(Gate),
    /// The store panics.
    Panic,
}

/// Which operations something happens to: the next one of a kind, unless said otherwise.
#[derive(Debug)]
pub(crate) struct Rule {
    ops: Vec<Op>,
    key: Option<StoreKey>,
    skip: usize,
    times: usize,
    pub(crate) deed: Deed,
}

impl Rule {
    pub(crate) fn once(ops: &[Op], deed: Deed) -> Self {
        Self { ops: ops.to_vec(), key: None, skip: 0, times: 1, deed }
    }

    pub(crate) fn always(ops: &[Op], deed: Deed) -> Self {
        Self { times: usize::MAX, ..Self::once(ops, deed) }
    }

    /// Only under this key.
    pub(crate) fn under(self, key: StoreKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Lets so many operations of these kinds pass first.
    pub(crate) fn after(self, skip: usize) -> Self {
        Self { skip, ..self }
    }

    pub(crate) fn catches(&mut self, op: Op, key: Option<&StoreKey>) -> bool {
        let meant = self.ops.contains(&op) && (self.key.is_none() || self.key.as_ref() == key);
        if !meant || self.times == 0 {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times -= 1;
        true
    }
}

/// A place at which an operation waits for the test.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<(Semaphore, Semaphore)>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Semaphore::new(0), Semaphore::new(0))))
    }

    /// Waits until an operation is here.
    pub(crate) async fn reached(&self) {
        self.0.0.acquire().await.expect("never closed").forget();
    }

    pub(crate) fn open(&self) {
        self.0.1.add_permits(1);
    }

    pub(crate) async fn wait(&self) {
        self.0.0.add_permits(1);
        self.0.1.acquire().await.expect("never closed").forget();
    }
}
