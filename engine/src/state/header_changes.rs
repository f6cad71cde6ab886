//! What a request changes about its session besides the values.

use std::time::Duration;

use crate::record::Header;

/// What a request changes about its session besides the values; applied again to what another request has stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::option_option, reason = "the outer one says whether the inner one is changed")]
pub(crate) struct HeaderChanges {
    pub(crate) idle: Option<Option<Duration>>,
    pub(crate) persistent: Option<bool>,
    pub(crate) csrf: Option<[u8; 16]>,
}

impl HeaderChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.idle.is_none() && self.persistent.is_none() && self.csrf.is_none()
    }

    /// Applies the changes to `header`.
    pub(crate) fn apply(&self, header: &mut Header) {
        if let Some(idle) = self.idle {
            header.set_own_idle(idle);
        }
        if let Some(persistent) = self.persistent {
            header.set_persistent(persistent);
        }
        if let Some(csrf) = self.csrf {
            header.set_csrf(csrf);
        }
    }
}
