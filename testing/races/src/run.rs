//! How a race is run.

use std::pin::Pin;

/// Runs a race with threads of its own; what [`races!`](crate::races) expands to. It takes any race as the same type, or
/// each test would have the runtime compiled again.
pub fn run(race: Pin<Box<dyn Future<Output = ()>>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("the operating system gives threads").block_on(race);
}
