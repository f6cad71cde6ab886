//! One at a time, at little cost while there is no contention.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Lets one task have its turn at a time. Uncontended it costs a few atomic steps, where tokio's mutex keeps a queue.
#[derive(Debug, Default)]
pub(crate) struct TurnLock {
    taken: AtomicBool,
    /// How many wait. A waiter counts itself before it looks at `taken` again; a releaser clears `taken` before it reads
    /// the count: so no wake-up is lost.
    waiting: AtomicUsize,
    /// Holds a permit from one release until a waiter looks.
    released: Notify,
}

/// The turn of the task that holds it, until it is dropped.
#[derive(Debug)]
#[must_use = "the next task has its turn as soon as this is dropped"]
pub(crate) struct Turn<'a>(&'a TurnLock);

/// Counts a waiter for as long as it lives.
struct Waiter<'a>(&'a AtomicUsize);

impl TurnLock {
    /// Takes the turn, unless another task has it.
    pub(crate) fn try_take(&self) -> Option<Turn<'_>> {
        // Not `then_some`: a turn that is made releases the lock when it is dropped.
        (!self.taken.swap(true, Ordering::SeqCst)).then(|| Turn(self))
    }

    /// Takes the turn when no other task has it.
    pub(crate) async fn take(&self) -> Turn<'_> {
        match self.try_take() {
            Some(turn) => turn,
            None => Box::pin(self.wait()).await,
        }
    }

    async fn wait(&self) -> Turn<'_> {
        let _waiter = Waiter::new(&self.waiting);
        loop {
            if let Some(turn) = self.try_take() {
                return turn;
            }
            self.released.notified().await;
        }
    }
}

impl TurnLock {
    /// Gives the turn back. Only for a turn that was forgotten because it outlives its borrow.
    pub(crate) fn release(&self) {
        self.taken.store(false, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.released.notify_one();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<'a> Waiter<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn one_task_at_a_time_has_its_turn() {
        let lock = TurnLock::default();
        let turn = lock.try_take();
        assert!(turn.is_some() && lock.try_take().is_none());
        drop(turn);
        assert!(lock.try_take().is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_waiter_has_its_turn_in_the_end_and_none_overlaps_another() {
        static LOCK: TurnLock = TurnLock {
            taken: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            released: Notify::const_new(),
        };
        static INSIDE: AtomicU32 = AtomicU32::new(0);
        let work = async || {
            for _ in 0..500 {
                let _turn = LOCK.take().await;
                assert_eq!(INSIDE.fetch_add(1, Ordering::SeqCst), 0);
                tokio::task::yield_now().await;
                assert_eq!(INSIDE.fetch_sub(1, Ordering::SeqCst), 1);
            }
        };
        let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(work())).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_waiter_that_is_dropped_does_not_take_the_turn_of_another() {
        let lock = TurnLock::default();
        let turn = lock.take().await;
        let mut dropped = Box::pin(lock.take());
        let mut waiting = Box::pin(lock.take());
        assert!(look(&mut dropped).await.is_none() && look(&mut waiting).await.is_none());
        drop(turn);
        drop(dropped);
        assert!(look(&mut waiting).await.is_some());
    }

    /// Looks at a future once.
    async fn look<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
                std::task::Poll::Ready(value) => Some(value),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
