//! Threads that own connections and work through a queue: SQLite blocks, and its connections cannot be shared.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use cloakroom_store::Result;
use tokio::sync::{mpsc, oneshot};

use crate::database::Database;
use crate::error::Failure;
use crate::layout::Layout;
use crate::task::Job;

/// How many operations may wait for a thread; callers beyond that wait for a place, and have begun nothing.
const QUEUE: usize = 1024;

/// Threads that share a queue. Dropping them lets them finish what is queued, close their connections, and end.
#[derive(Debug)]
pub(crate) struct Threads<L = Layout> {
    /// `None` only while it is dropped.
    sender: Option<mpsc::Sender<Job<L>>>,
    handles: Vec<JoinHandle<()>>,
}

/// The threads' end of the queue.
pub(crate) struct Queue<L = Layout>(Arc<Mutex<mpsc::Receiver<Job<L>>>>);

impl<L> Clone for Queue<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L> Queue<L> {
    /// Waits for a job; `None` when the store is dropped and everything is done.
    pub(crate) fn next(&self) -> Option<Job<L>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
    }

    /// Takes a job if one waits.
    pub(crate) fn next_waiting(&self) -> Option<Job<L>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).try_recv().ok()
    }
}

impl<L: Send + Sync + 'static> Threads<L> {
    /// Starts threads, each of which opens a connection and then serves the queue until it ends.
    pub(crate) async fn start(
        count: usize,
        open: impl Fn() -> Result<Database<L>, Failure> + Clone + Send + 'static,
        serve: impl Fn(Database<L>, Queue<L>) + Clone + Send + 'static,
    ) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let queue = Queue(Arc::new(Mutex::new(receiver)));
        let mut handles = Vec::with_capacity(count);
        for _ in 0..count {
            let (ready, opened) = oneshot::channel();
            let (open, serve, queue) = (open.clone(), serve.clone(), queue.clone());
            let body = move || {
                let database = open();
                let failure = database.as_ref().err().copied();
                if ready.send(failure.map_or(Ok(()), Err)).is_ok()
                    && let Ok(database) = database
                {
                    serve(database, queue);
                }
            };
            let spawned = thread::Builder::new().name("cloakroom-sqlite".into()).spawn(body);
            handles.push(spawned.map_err(|_| Failure::NO_THREAD)?);
            opened.await.map_err(|_| Failure::STOPPED)??;
        }
        Ok(Self { sender: Some(sender), handles })
    }

    /// Runs an operation on one of the threads. If the future is dropped, the operation is still done,
    /// or was never queued.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        step: impl Fn(&Database<L>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let (job, answer) = Job::new(step);
        let sender = self.sender.as_ref().ok_or(Failure::STOPPED)?;
        sender.send(job).await.map_err(|_| Failure::STOPPED)?;
        answer.await.map_err(|_| Failure::STOPPED)?
    }
}

impl<L> Drop for Threads<L> {
    fn drop(&mut self) {
        drop(self.sender.take());
        for handle in self.handles.drain(..) {
            // A thread that panicked has told its callers already.
            let _ = handle.join();
        }
    }
}
