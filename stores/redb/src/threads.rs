//! A thread that works through a queue.

use std::thread::{self, JoinHandle};

use cloakroom_store::Result;
use tokio::sync::mpsc;

use crate::error::Failure;

/// How many jobs may wait; callers beyond that wait for a place, and have begun nothing.
const QUEUE: usize = 1024;

/// A thread and its queue. Dropping it lets it finish what is queued.
#[derive(Debug)]
pub(crate) struct Worker<J> {
    /// `None` only while it is dropped.
    sender: Option<mpsc::Sender<J>>,
    handle: Option<JoinHandle<()>>,
}

impl<J: Send + 'static> Worker<J> {
    pub(crate) fn start(serve: impl FnOnce(mpsc::Receiver<J>) + Send + 'static) -> Result<Self, Failure> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let spawned = thread::Builder::new().name("cloakroom-redb".into()).spawn(move || serve(receiver));
        Ok(Self { sender: Some(sender), handle: Some(spawned.map_err(|_| Failure::NO_THREAD)?) })
    }

    /// Queues a job. If the future is dropped, the job is queued, or it is not.
    pub(crate) async fn send(&self, job: J) -> Result<(), Failure> {
        let sender = self.sender.as_ref().ok_or(Failure::STOPPED)?;
        sender.send(job).await.map_err(|_| Failure::STOPPED)
    }
}

impl<J> Drop for Worker<J> {
    fn drop(&mut self) {
        drop(self.sender.take());
        // A thread that panicked has told its callers already.
        let _ = self.handle.take().map(JoinHandle::join);
    }
}
