//! Where one side waits for the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// A place that a request passes only when the test lets it, and at which the test waits until it is reached.
///
/// Clones are the same gate. Passes are counted: a gate that was opened before it is reached stops no request.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Sides>);

#[derive(Debug)]
struct Sides {
    name: &'static str,
    reached: Semaphore,
    opened: Semaphore,
}

impl Gate {
    /// Makes a closed gate; `name` appears in the failure of a test that waits in vain.
    pub fn new(name: &'static str) -> Self {
        Self(Arc::new(Sides { name, reached: Semaphore::new(0), opened: Semaphore::new(0) }))
    }

    /// Waits at the gate. For the request: reports that it is here, and waits to be let through.
    pub async fn pass(&self) {
        self.0.reached.add_permits(1);
        if let Ok(permit) = self.0.opened.acquire().await {
            permit.forget();
        }
    }

    /// Waits, in the test, until a request is at the gate.
    pub async fn reached(&self) {
        if let Ok(permit) = soon(self.0.name, self.0.reached.acquire()).await {
            permit.forget();
        }
    }

    /// Lets one request pass. For the test.
    pub fn open(&self) {
        self.0.opened.add_permits(1);
    }

    /// Lets all requests pass, now and later. For the test.
    pub fn open_for_all(&self) {
        self.0.opened.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}

/// Waits for something that must happen soon, however busy the machine is.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(Duration::from_secs(30), future).await else {
        panic!("waited in vain: {what}");
    };
    value
}

/// Asks until the answer is yes: for what a task in the background does, which has no handle to wait for.
pub async fn until<Fut: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> Fut) {
    let asking = async {
        while !ask().await {
            tokio::task::yield_now().await;
        }
    };
    soon(what, asking).await;
}
