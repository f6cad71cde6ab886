//! Stops every operation until the scheduler lets it go.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

pub(crate) type Actor = usize;

/// Where an operation waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// Before an operation that only reads.
    Look,
    /// Before an operation that writes.
    Write,
    /// After an operation, before its answer.
    Answer,
    /// Between two lines of a handler.
    Line,
}

/// What the scheduler says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    /// The operation fails before it has taken effect.
    Fail,
    /// The operation takes effect, and its answer is lost.
    Lose,
    /// The operation takes effect, and its answer is late: its caller waits at [`Point::Answer`].
    Hold,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    waiting: Vec<Waiting>,
    /// All operations go at once.
    open: bool,
    /// The actors for which the store is down for good.
    down: HashSet<Actor>,
    trace: Vec<Line>,
}

#[derive(Debug)]
struct Waiting {
    actor: Actor,
    point: Point,
    what: &'static str,
    go: oneshot::Sender<Verdict>,
}

/// A line of the course of events.
#[derive(Clone, Copy, Debug)]
struct Line {
    actor: Actor,
    what: &'static str,
    came: &'static str,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the scheduler decides about it.
    pub(crate) async fn pass(&self, actor: Actor, point: Point, what: &'static str) -> Verdict {
        let went = {
            let mut inside = self.lock();
            if point != Point::Line && inside.down.contains(&actor) {
                return Verdict::Fail;
            }
            if inside.open {
                return Verdict::Go;
            }
            let (go, went) = oneshot::channel();
            inside.waiting.push(Waiting { actor, point, what, go });
            went
        };
        went.await.unwrap_or(Verdict::Go)
    }

    /// The actors that wait, and where, in the order in which they came.
    pub(crate) fn waiting(&self) -> Vec<(Actor, Point)> {
        let mut inside = self.lock();
        inside.waiting.retain(|waiting| !waiting.go.is_closed());
        inside.waiting.iter().map(|waiting| (waiting.actor, waiting.point)).collect()
    }

    /// Lets one go.
    pub(crate) fn release(&self, place: usize, verdict: Verdict) {
        let waiting = self.lock().waiting.remove(place);
        self.note(
            waiting.actor,
            waiting.what,
            match verdict {
                Verdict::Go => "",
                Verdict::Fail => " FAILS",
                Verdict::Lose => " IS DONE, AND ITS ANSWER LOST",
                Verdict::Hold => " IS DONE, AND ITS ANSWER LATE",
            },
        );
        let _ = waiting.go.send(verdict);
    }

    /// From now on, the store answers `actor` no more.
    pub(crate) fn take_down(&self, actor: Actor) {
        self.note(actor, "has lost its store for good", "");
        self.lock().down.insert(actor);
    }

    /// Lets all operations go at once from now on.
    pub(crate) fn open(&self) {
        let mut inside = self.lock();
        inside.open = true;
        for waiting in inside.waiting.drain(..) {
            let _ = waiting.go.send(Verdict::Go);
        }
    }

    pub(crate) fn close(&self) {
        self.lock().open = false;
    }

    pub(crate) fn note(&self, actor: Actor, what: &'static str, came: &'static str) {
        self.lock().trace.push(Line { actor, what, came });
    }

    /// The course of events, a line each.
    pub(crate) fn story(&self) -> String {
        let inside = self.lock();
        let told = inside.trace.iter().map(|line| format!("  r{} {}{}\n", line.actor, line.what, line.came));
        told.collect()
    }
}
