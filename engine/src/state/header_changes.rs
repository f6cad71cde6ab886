//! What a request changes about its session besides the values.

use std::time::Duration;

use crate::SameSite;
use crate::record::{CookieEnd, Header};

/// What a request changes about its session besides the values; applied again to what another request has stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::option_option, reason = "the outer one says whether the inner one is changed")]
pub(crate) struct HeaderChanges {
    pub(crate) idle: Option<Option<Duration>>,
    pub(crate) persistent: Option<bool>,
    pub(crate) csrf: Option<[u8; 16]>,
    /// Hardly any request changes them.
    pub(crate) own: Option<Box<OwnChanges>>,
}

/// Changes of what a session has of its own; each `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::option_option, reason = "the outer one says whether the inner one is changed")]
pub(crate) struct OwnChanges {
    pub(crate) absolute: Option<Option<Duration>>,
    pub(crate) cookie: Option<Option<CookieEnd>>,
    pub(crate) same_site: Option<Option<SameSite>>,
}

impl HeaderChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.idle.is_none() && self.persistent.is_none() && self.csrf.is_none() && self.own.is_none()
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
        if let Some(changes) = &self.own {
            let mut own = header.own();
            own.absolute = changes.absolute.unwrap_or(own.absolute);
            own.cookie = changes.cookie.unwrap_or(own.cookie);
            own.same_site = changes.same_site.unwrap_or(own.same_site);
            header.set_own(own);
        }
    }

    /// Returns the changes of what the session has of its own, to add to them.
    pub(crate) fn own(&mut self) -> &mut OwnChanges {
        self.own.get_or_insert_default()
    }
}
