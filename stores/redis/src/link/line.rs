//! A shared connection, which is opened again after it broke.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use redis::RedisResult;

/// Makes a connection.
pub(crate) type Dialer<C> = Arc<dyn Fn() -> BoxFuture<'static, RedisResult<C>> + Send + Sync>;

/// A connection that is open, or being opened by the first task that waits for it.
pub(super) type Dialed<C> = Shared<BoxFuture<'static, RedisResult<C>>>;

/// Holds the connection.
pub(super) struct Line<C: Clone>(Arc<Held<C>>);

struct Held<C: Clone> {
    dial: Dialer<C>,
    /// `None` until it is needed.
    current: Mutex<Option<Dialed<C>>>,
    renewing: AtomicBool,
}

impl<C: Clone + Send + Sync + 'static> Line<C> {
    pub(super) fn new(dial: Dialer<C>) -> Self {
        Self(Arc::new(Held { dial, current: Mutex::default(), renewing: AtomicBool::new(false) }))
    }

    /// Returns the connection, or a future that opens it.
    pub(super) fn dialed(&self) -> Dialed<C> {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        let dialed = current.get_or_insert_with(|| {
            let dialed = (self.0.dial)().shared();
            // Goes on although the first caller gives up.
            tokio::spawn(dialed.clone().map(drop));
            dialed
        });
        dialed.clone()
    }

    /// Makes the next request open a new connection, unless that was done since `used` was returned.
    pub(super) fn discard(&self, used: &Dialed<C>) {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| current.ptr_eq(used)) {
            *current = None;
        }
    }

    /// Has a new connection made, and uses the old one until that is done.
    pub(super) fn renew(&self) {
        if self.0.renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let held = Arc::clone(&self.0);
        tokio::spawn(async move {
            if let Ok(connection) = (held.dial)().await {
                let dialed = futures_util::future::ready(Ok(connection)).boxed().shared();
                *held.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(dialed);
            }
            held.renewing.store(false, Ordering::Release);
        });
    }
}
