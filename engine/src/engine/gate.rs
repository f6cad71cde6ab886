//! One at a time, at little cost while nobody else comes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Lets one pass at a time. Who finds it free pays a few atomic steps, where tokio's mutex keeps a queue.
#[derive(Debug, Default)]
pub(super) struct Gate {
    taken: AtomicBool,
    /// How many wait. Whoever comes to wait says so first and looks at `taken` then; whoever leaves does it the other way
    /// round: so one of the two sees the other.
    waiting: AtomicUsize,
    /// Holds a permit from the moment at which one left until another looks, so nobody who waits is forgotten.
    left: Notify,
}

/// The right to be past the gate.
#[derive(Debug)]
#[must_use = "the next one may pass as soon as it is dropped"]
pub(super) struct Pass<'a>(&'a Gate);

/// One who waits, for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl Gate {
    /// Passes, unless somebody else has.
    pub(super) fn try_pass(&self) -> Option<Pass<'_>> {
        // Not `then_some`: a pass that is made opens the gate when it is dropped.
        (!self.taken.swap(true, Ordering::SeqCst)).then(|| Pass(self))
    }

    /// Passes when nobody else has.
    pub(super) async fn pass(&self) -> Pass<'_> {
        match self.try_pass() {
            Some(pass) => pass,
            None => Box::pin(self.wait()).await,
        }
    }

    async fn wait(&self) -> Pass<'_> {
        let _waiting = Waiting::at(&self.waiting);
        loop {
            if let Some(pass) = self.try_pass() {
                return pass;
            }
            self.left.notified().await;
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.taken.store(false, Ordering::SeqCst);
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            self.0.left.notify_one();
        }
    }
}

impl<'a> Waiting<'a> {
    fn at(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn only_one_is_past_the_gate() {
        let gate = Gate::default();
        let pass = gate.try_pass();
        assert!(pass.is_some() && gate.try_pass().is_none());
        drop(pass);
        assert!(gate.try_pass().is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn everybody_who_waits_passes_in_the_end_and_nobody_meets_another() {
        static GATE: Gate =
            Gate { taken: AtomicBool::new(false), waiting: AtomicUsize::new(0), left: Notify::const_new() };
        static PAST: AtomicU32 = AtomicU32::new(0);
        let visit = async || {
            for _ in 0..500 {
                let _pass = GATE.pass().await;
                assert_eq!(PAST.fetch_add(1, Ordering::SeqCst), 0);
                tokio::task::yield_now().await;
                assert_eq!(PAST.fetch_sub(1, Ordering::SeqCst), 1);
            }
        };
        let visitors: Vec<_> = (0..8).map(|_| tokio::spawn(visit())).collect();
        for visitor in visitors {
            visitor.await.unwrap();
        }
    }

    #[tokio::test]
    async fn one_who_stops_waiting_does_not_take_the_turn_of_another() {
        let gate = Gate::default();
        let pass = gate.pass().await;
        let mut impatient = Box::pin(gate.pass());
        let mut patient = Box::pin(gate.pass());
        assert!(look(&mut impatient).await.is_none() && look(&mut patient).await.is_none());
        drop(pass);
        drop(impatient);
        assert!(look(&mut patient).await.is_some());
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
