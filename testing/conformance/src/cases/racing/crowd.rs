//! Many tasks on one store.

use std::future::Future;
use std::sync::Arc;

use cloakroom_store::{Record, Store, StoreKey, Updated, Version};
use tokio::sync::Barrier;

use crate::expect::there;
use crate::failure::{Failure, Outcome};
use crate::trial::Trial;

/// The handles that tasks share.
pub(crate) struct Crowd(Vec<Arc<dyn Store>>);

impl Crowd {
    pub(crate) async fn of(t: &Trial<'_>) -> Outcome<Self> {
        Ok(Self(t.handles().await?))
    }

    /// Runs `work` on so many tasks, which begin together, each with a number and a handle.
    pub(crate) async fn at_once<T, W>(
        &self,
        count: usize,
        work: impl Fn(usize, Arc<dyn Store>) -> W,
    ) -> Outcome<Vec<T>>
    where
        W: Future<Output = Outcome<T>> + Send + 'static,
        T: Send + 'static,
    {
        let start = Arc::new(Barrier::new(count));
        let spawn = |task: usize| {
            let work = work(task, Arc::clone(&self.0[task % self.0.len()]));
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                work.await
            })
        };
        let tasks = (0..count).map(spawn).collect::<Vec<_>>();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.map_err(|_| Failure::panic())?);
        }
        answers.into_iter().collect()
    }
}

/// How often a task tries to update before the store must be making no progress.
const TRIES: usize = 5_000;

/// Updates the record under `key` to what `change` makes of it, again and again until no other update comes between.
/// `None` if the record is gone.
pub(crate) async fn update_by(
    store: &dyn Store,
    key: &StoreKey,
    change: impl Fn(&Record) -> Record,
) -> Outcome<Option<Version>> {
    let Some(mut stored) = store.load(key, None).await? else { return Ok(None) };
    for _ in 0..TRIES {
        match store.update(key, stored.version, &change(&stored.record)).await? {
            Updated::Updated(version) => return Ok(Some(version)),
            Updated::Conflict(other) => stored = other,
            Updated::Gone | Updated::Revoked => return Ok(None),
        }
    }
    Err(Failure::answer("an update meets a conflict again and again, although it names what was there")
        .into())
}

/// The record with a number that is greater by one.
pub(crate) fn incremented(record: &Record) -> Record {
    Record { payload: (number(record) + 1).to_string().into(), ..record.clone() }
}

/// The number that a record holds.
pub(crate) fn number(record: &Record) -> u64 {
    std::str::from_utf8(&record.payload).ok().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// The number that is stored under `key`.
pub(crate) async fn stored_number(store: &dyn Store, key: &StoreKey) -> Outcome<u64> {
    Ok(number(&there(store.load(key, None).await?)?.record))
}
