//! Whose turn it is: how many writes of one process may be under way.
//!
//! A write may hold a thread and a few open files while it waits for the disk, or for a lock that another process has. So
//! those that would wait for the same lock line up before they get a thread: a process that is stopped while it holds a lock
//! keeps few threads busy, and none of the writes under other locks.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit as Turn, Semaphore};

use super::layout::Name;

/// How many writes may be under way.
pub(super) const ALL: usize = 64;
/// How many of them may be of records under one lock, which excludes all others anyway.
const OF_RECORDS: usize = 1;
/// How many may give records to owners under one lock, which they share.
const OF_OWNERS: usize = 8;

/// Which locks a change is going to need, as far as that is known before.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) record: Option<u8>,
    pub(super) owner: Option<u8>,
}

impl Needs {
    /// Those of a change to the record under this key, for this owner.
    pub(super) fn of(key: &[u8], owner: Option<&[u8]>) -> Self {
        let shard = |bytes| Name::of(bytes).shard();
        Self { record: Some(shard(key)), owner: owner.map(shard) }
    }
}

/// The queues.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Queues>);

#[derive(Debug)]
struct Queues {
    all: Arc<Semaphore>,
    records: Vec<Arc<Semaphore>>,
    owners: Vec<Arc<Semaphore>>,
    patience: Duration,
}

impl Turns {
    pub(super) fn new(patience: Duration) -> Self {
        let queues = |turns| (0..=u8::MAX).map(|_| Arc::new(Semaphore::new(turns))).collect();
        let (records, owners) = (queues(OF_RECORDS), queues(OF_OWNERS));
        Self(Arc::new(Queues { all: Arc::new(Semaphore::new(ALL)), records, owners, patience }))
    }

    /// Returns how many writes may begin.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.0.all.available_permits()
    }

    /// Waits for a turn; not for longer than a lock is waited for.
    pub(super) async fn take(&self, needs: &Needs) -> Result<Vec<Turn>> {
        let Queues { all, records, owners, patience } = &*self.0;
        let queue = |queues: &Vec<Arc<Semaphore>>, shard: Option<u8>| {
            shard.and_then(|shard| queues.get(usize::from(shard))).cloned()
        };
        let queues = [queue(owners, needs.owner), queue(records, needs.record), Some(Arc::clone(all))];
        let turns = async {
            let mut turns = Vec::with_capacity(queues.len());
            for queue in queues.into_iter().flatten() {
                turns.extend(queue.acquire_owned().await);
            }
            turns
        };
        let late = "other writes have waited too long; is a process stopped that has the folder open?";
        tokio::time::timeout(*patience, turns).await.map_err(|_| Error::new(ErrorKind::Unavailable, late))
    }
}
