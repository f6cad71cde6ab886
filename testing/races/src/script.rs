//! What a request does, handed over by the test that sends it.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cloakroom_tower::LazySession;
use tokio::sync::oneshot;

pub(crate) const HEADER: &str = "x-script";

pub(crate) type Script =
    Box<dyn FnOnce(LazySession) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send>;

/// The scripts of requests that are on their way, by number.
#[derive(Clone, Default)]
pub(crate) struct Scripts(Arc<Inside>);

#[derive(Default)]
struct Inside {
    last: AtomicU64,
    scripts: Mutex<HashMap<u64, Script>>,
    watchers: Mutex<HashMap<u64, oneshot::Sender<()>>>,
}

impl Scripts {
    /// Takes a script; its number, and what tells when the server is done with its request, or has dropped it.
    pub(crate) fn add(&self, script: Script) -> (u64, oneshot::Receiver<()>) {
        let number = self.0.last.fetch_add(1, Ordering::SeqCst);
        let (over, watch) = oneshot::channel();
        lock(&self.0.scripts).insert(number, script);
        lock(&self.0.watchers).insert(number, over);
        (number, watch)
    }

    fn take(&self, number: u64) -> Option<Script> {
        lock(&self.0.scripts).remove(&number)
    }

    fn take_watcher(&self, number: u64) -> Option<oneshot::Sender<()>> {
        lock(&self.0.watchers).remove(&number)
    }

    /// Takes the script of a request with this header.
    pub(crate) fn of(&self, header: Option<&[u8]>) -> Option<Script> {
        self.take(number(header)?)
    }

    /// Takes what tells that a request with this header is over, by being dropped.
    pub(crate) fn watcher_of(&self, header: Option<&[u8]>) -> Option<oneshot::Sender<()>> {
        self.take_watcher(number(header)?)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the number of a request's script.
fn number(header: Option<&[u8]>) -> Option<u64> {
    str::from_utf8(header?).ok()?.parse().ok()
}

fn number_in(headers: &axum::http::HeaderMap) -> Option<u64> {
    number(headers.get(HEADER).map(|value| value.as_bytes()))
}

/// The handler: runs the request's script.
pub(crate) async fn run(
    State(scripts): State<Scripts>,
    headers: axum::http::HeaderMap,
    session: LazySession,
) -> Response {
    let script = number_in(&headers).and_then(|number| scripts.take(number));
    match script {
        Some(script) => script(session).await,
        None => "no script".into_response(),
    }
}

/// Around everything: tells when a request is over, answered or dropped.
pub(crate) async fn watch(State(scripts): State<Scripts>, request: Request, next: Next) -> Response {
    let over = number_in(request.headers()).and_then(|number| scripts.take_watcher(number));
    // Dropped after the request, however that ends.
    let _over = over;
    next.run(request).await
}

impl std::fmt::Debug for Scripts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scripts({} waiting)", lock(&self.0.scripts).len())
    }
}
