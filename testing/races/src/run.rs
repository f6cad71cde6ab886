//! How a race is run.

use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Runtime;

/// Runs a race with threads of its own; what [`races!`](crate::races) expands to. It takes any race as the same type, or
/// each test would have the runtime compiled again.
pub fn run(race: Pin<Box<dyn Future<Output = ()>>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ending = Ending(Some(runtime.expect("the operating system gives threads")));
    if let Some(runtime) = &ending.0 {
        runtime.block_on(race);
    }
}

/// Ends a runtime although a thread of it waits in vain: a deadlock fails its test and does not hang it.
struct Ending(Option<Runtime>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}
