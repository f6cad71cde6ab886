//! Many tasks on one store.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use cloakroom_store::{Record, Store, StoreKey, UpdateOutcome, Version};
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

    /// Runs `work` so many times at once, each with a number and a handle.
    ///
    /// Some take turns in one task, so that they interleave however busy the machine is; some run in another, so that
    /// they run at the very same time where there are processors for it.
    pub(crate) async fn at_once<T, W>(
        &self,
        count: usize,
        work: impl Fn(usize, Arc<dyn Store>) -> W,
    ) -> Outcome<Vec<T>>
    where
        W: Future<Output = Outcome<T>> + Send + 'static,
        T: Send + 'static,
    {
        let mut groups = [const { Vec::new() }; TASKS];
        for number in 0..count {
            let work = work(number, Arc::clone(&self.0[number % self.0.len()]));
            groups[number % TASKS].push(Box::pin(async move {
                jostle().await;
                work.await
            }));
        }
        let start = Arc::new(Barrier::new(TASKS));
        let tasks = groups.map(|works| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                by_turns(works).await
            })
        });
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.map_err(|_| Failure::panic())?.into_iter());
        }
        (0..count).filter_map(|number| answers[number % TASKS].next()).collect()
    }
}

/// How many tasks there are; the rest is taking turns.
const TASKS: usize = 3;

/// Polls all of them in turn until each is ready, and answers in their order.
async fn by_turns<W: Future + Unpin>(mut works: Vec<W>) -> Vec<W::Output> {
    let mut answers = works.iter().map(|_| None).collect::<Vec<_>>();
    poll_fn(|context| {
        for (work, answer) in works.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(output) = Pin::new(work).poll(context) {
                *answer = Some(output);
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}

/// Lets other tasks go first, once, more often or not at all: a store that never waits would otherwise let each task
/// run to its end, one after the other.
pub(crate) async fn jostle() {
    static TURN: AtomicU64 = AtomicU64::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62;
    for _ in 0..turn {
        tokio::task::yield_now().await;
    }
}

/// How often a task tries to update before the store must be making no progress.
const TRIES: usize = 5_000;

/// Updates the record under `key` by `change`, again and again until no other update comes between.
/// `None` if the record is gone.
pub(crate) async fn update_by(
    store: &dyn Store,
    key: &StoreKey,
    change: impl Fn(&Record) -> Record,
) -> Outcome<Option<Version>> {
    let Some(mut stored) = store.load(key, None).await? else { return Ok(None) };
    for _ in 0..TRIES {
        jostle().await;
        match store.update(key, stored.version, &change(&stored.record)).await? {
            UpdateOutcome::Updated(version) => return Ok(Some(version)),
            UpdateOutcome::Conflict(other) => stored = other,
            UpdateOutcome::NotFound | UpdateOutcome::Revoked => return Ok(None),
        }
    }
    Err(Failure::answer("an update meets a conflict again and again, although it names what was there")
        .into())
}

/// The record with a number that is greater by one.
pub(crate) fn incremented(record: &Record) -> Record {
    record.clone().with_payload((number(record) + 1).to_string())
}

/// The number that a record holds.
pub(crate) fn number(record: &Record) -> u64 {
    std::str::from_utf8(&record.payload).ok().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// The number that is stored under `key`.
pub(crate) async fn stored_number(store: &dyn Store, key: &StoreKey) -> Outcome<u64> {
    Ok(number(&there(store.load(key, None).await?)?.record))
}
