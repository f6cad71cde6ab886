//! An operation on its way to the thread that writes, and its answer on the way back.

use cloakroom_store::Result;
use tokio::sync::oneshot;

use crate::error::Failure;
use crate::tables::Tables;

/// An operation that waits to be run.
pub(crate) struct Job(Box<dyn Task>);

impl Job {
    /// Packs an operation; its answer, or a failure, arrives at the receiver.
    pub(crate) fn new<T: Send + 'static>(
        step: impl Fn(&mut Tables<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T>>) {
        let (reply, receiver) = oneshot::channel();
        (Self(Box::new(Typed { step, answer: None, reply })), receiver)
    }

    /// Runs the operation, and keeps its answer until it is known to be true. May be called again if what
    /// the operation did was undone.
    pub(crate) fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Failure> {
        self.0.run(tables)
    }

    /// Sends the answer, or the failure. The receiver may be gone.
    pub(crate) fn answer(self, outcome: Result<(), Failure>) {
        self.0.answer(outcome);
    }
}

/// Hides the type of the answer.
trait Task: Send {
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Failure>;
    fn answer(self: Box<Self>, outcome: Result<(), Failure>);
}

struct Typed<F, T> {
    step: F,
    answer: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Task for Typed<F, T>
where
    F: Fn(&mut Tables<'_>) -> Result<T, Failure> + Send,
    T: Send,
{
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Failure> {
        self.answer = Some((self.step)(tables)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), Failure>) {
        let Self { answer, reply, .. } = *self;
        let answer = outcome.and_then(|()| answer.ok_or(Failure::STOPPED));
        // A caller that went away does not want to know.
        let _ = reply.send(answer.map_err(Into::into));
    }
}
