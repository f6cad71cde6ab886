//! The fast tier. Its failures are ignored: the durable tier answers.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use cloakroom_store::{
    Clock, CreateOutcome, Cursor, Error, ErrorKind, HeadPage, OwnerKey, Record, Result, Store, StoreKey,
    Timestamp, UpdateOutcome, VersionedRecord,
};

/// How long a fast tier that failed is not used, so that its outage does not slow every request down.
const REST: Duration = Duration::from_secs(1);

/// How many of an owner's copies are listed at once.
const PAGE: usize = 100;

/// The fast tier. Whatever it cannot do is `Err(Silent)`, and the durable tier is asked.
pub(super) struct Front {
    pub(super) store: Arc<dyn Store>,
    pub(super) patience: Duration,
    clock: Arc<dyn Clock>,
    rests_until: AtomicU64,
}

/// The fast tier failed, did not answer in time, or is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Silent;

/// What is under a key in the fast tier, with the version that it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Something(VersionedRecord),
}

/// The result of a replacement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    Done,
    /// Something else is there than was seen.
    Lost(Seen),
    /// The fast tier does not take this record: it is too large, or its owner was revoked.
    Refused,
}

impl Front {
    pub(super) fn new(store: Arc<dyn Store>, patience: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { store, patience, clock, rests_until: AtomicU64::new(0) }
    }

    /// Looks what is there.
    pub(super) async fn look(&self, key: &StoreKey) -> Result<Seen, Silent> {
        let found = self.ask(self.store.load(key, None)).await?.map_err(|_| Silent)?;
        Ok(found.map_or(Seen::Nothing, Seen::Something))
    }

    /// Puts `record` in the place of exactly what was seen.
    pub(super) async fn replace(
        &self,
        key: &StoreKey,
        seen: &Seen,
        record: &Record,
    ) -> Result<Replaced, Silent> {
        match seen {
            Seen::Nothing => match self.ask(self.store.create(key, record)).await? {
                Ok(CreateOutcome::Created(_)) => Ok(Replaced::Done),
                Ok(CreateOutcome::AlreadyExists) => Ok(Replaced::Lost(self.look(key).await?)),
                Ok(CreateOutcome::Revoked) | Err(_) => Ok(Replaced::Refused),
            },
            Seen::Something(stored) => {
                match self.ask(self.store.update(key, stored.version, record)).await? {
                    Ok(UpdateOutcome::Updated(_)) => Ok(Replaced::Done),
                    Ok(UpdateOutcome::Conflict(other)) => Ok(Replaced::Lost(Seen::Something(other))),
                    Ok(UpdateOutcome::NotFound) => Ok(Replaced::Lost(Seen::Nothing)),
                    Ok(UpdateOutcome::Revoked) | Err(_) => Ok(Replaced::Refused),
                }
            }
        }
    }

    /// Lists a page of the owner's copies.
    pub(super) async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>) -> Result<HeadPage, Silent> {
        let owners = self.store.capabilities().owners.ok_or(Silent)?;
        self.ask(owners.list(owner, after, PAGE)).await?.map_err(|_| Silent)
    }

    /// Removes the owner's copies, and refuses those that arrive late.
    pub(super) async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<(), Silent> {
        let owners = self.store.capabilities().owners.ok_or(Silent)?;
        self.ask(owners.revoke(owner, at)).await?.map(drop).map_err(|_| Silent)
    }

    /// Removes all copies, where it can.
    pub(super) async fn clear(&self) {
        if let Some(scan) = self.store.capabilities().scan {
            drop(self.ask(scan.clear()).await);
        }
    }

    /// Sweeps expired copies, where it can; whether there are more.
    pub(super) async fn sweep(&self, limit: usize) -> bool {
        let Some(sweep) = self.store.capabilities().sweep else { return false };
        matches!(self.ask(sweep.sweep(limit)).await, Ok(Ok(swept)) if swept.more)
    }

    /// Calls the fast tier, unless it is paused after a failure, and waits no longer than the timeout. An error about this
    /// one record is returned; any other begins a pause.
    async fn ask<T>(&self, asked: impl Future<Output = Result<T>> + Send) -> Result<Result<T>, Silent> {
        if self.clock.now().as_micros() < self.rests_until.load(Ordering::Relaxed) {
            return Err(Silent);
        }
        match self.in_time(asked).await {
            Err(error) if is_an_outage(&error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the fast tier failed, and rests");
                self.rest();
                Err(Silent)
            }
            answer => Ok(answer),
        }
    }

    /// A store in memory is always ready at once: that takes no timer, and no runtime.
    async fn in_time<T>(&self, asked: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let mut asked = pin!(asked);
        let at_once = std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await;
        if let Poll::Ready(answer) = at_once {
            return answer;
        }
        let late = |_| Err(Error::new(ErrorKind::Unavailable, "the fast tier did not answer in time"));
        tokio::time::timeout(self.patience, asked).await.unwrap_or_else(late)
    }

    fn rest(&self) {
        self.rests_until.fetch_max((self.clock.now() + REST).as_micros(), Ordering::Relaxed);
    }
}

fn is_an_outage(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::Invalid | ErrorKind::Full)
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
