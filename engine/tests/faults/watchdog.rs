//! Turns a deadlock into a failed test.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// How long to wait in real time before a test counts as stuck.
const LIMIT: Duration = Duration::from_secs(8);

/// Runs `work` on a thread and a runtime of its own.
///
/// # Panics
/// If it panics, or does not end in several seconds. The thread is then left behind.
pub(crate) fn ends<F: Future<Output = ()>>(work: impl FnOnce() -> F + Send + 'static) {
    ends_on(|| Builder::new_current_thread().enable_all().build().expect("a runtime"), work);
}

/// The same on a runtime with two threads, as a small server has.
pub(crate) fn ends_on_two_threads<F: Future<Output = ()>>(work: impl FnOnce() -> F + Send + 'static) {
    let two = || Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    ends_on(two, work);
}

fn ends_on<F: Future<Output = ()>>(
    runtime: impl FnOnce() -> Runtime + Send + 'static,
    work: impl FnOnce() -> F + Send + 'static,
) {
    let (done, ended) = channel();
    let thread = thread::spawn(move || {
        let runtime = runtime();
        runtime.block_on(async { work().await });
        runtime.shutdown_background();
        let _ = done.send(());
    });
    match ended.recv_timeout(LIMIT) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        Err(RecvTimeoutError::Timeout) => panic!("stuck: code of the application waits for a lock of ours"),
    }
}
