//! Warnings of mistakes in an application's set-up.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Event, SessionManager};

/// Warns of mistakes in an application's set-up: in the log once for each layer, as an [`Event`] each time for caches.
#[derive(Debug, Default)]
pub struct Warnings {
    of_caches: AtomicBool,
    of_nesting: AtomicBool,
}

impl Warnings {
    /// Reports a response that used its session and may be stored by shared caches.
    pub fn shared_cache(&self, manager: &SessionManager) {
        manager.report(&Event::SharedCache);
        if !self.of_caches.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a response that looked at its session allows shared caches to store it: leave `public`, `s-maxage` \
                 and headers for CDNs off such pages"
            );
        }
    }

    /// Reports a layer that is not used, because one around it has the same cookie name and `manager`.
    pub fn ignored_layer(&self, manager: &SessionManager) {
        if !self.of_nesting.swap(true, Ordering::Relaxed) {
            manager.report(&Event::LayerIgnored);
            tracing::warn!(
                cookie = manager.cookie_name(),
                "a session layer is inside of another one with the same cookie name: its store and its options are \
                 not used"
            );
        }
    }
}
