//! Requests that are not logged: at TRACE, the client would write each of them down whole, payloads and keys included.

use tracing::Dispatch;
use tracing::instrument::{WithDispatch, WithSubscriber};

/// A request that no subscriber hears of.
pub(crate) trait Unheard: Future + Sized {
    fn unheard(self) -> WithDispatch<Self> {
        self.with_subscriber(Dispatch::none())
    }
}

impl<F: Future> Unheard for F {}
