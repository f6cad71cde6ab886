//! What a request changes about its session besides the values.

use std::time::Duration;

use cloakroom_store::Timestamp;

use crate::plan::Fate;
use crate::record::Header;

/// What a request changes about a session besides its values; repeated on whatever another request has stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::option_option, reason = "the outer one says whether the inner one is changed")]
pub(crate) struct Own {
    pub(crate) idle: Option<Option<Duration>>,
    pub(crate) persistent: Option<bool>,
    pub(crate) csrf: Option<[u8; 16]>,
    /// When the user proved who they are, and the handle from then on.
    pub(super) log_in: Option<(Timestamp, [u8; 16])>,
}

/// What a handler had decided when a commit was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(super) fate: Fate,
    pub(super) own: Own,
}

impl Own {
    /// The header with these changes.
    pub(super) fn on(&self, mut header: Header) -> Header {
        if let Some((at, handle)) = self.log_in {
            header.authenticated_at = Some(at);
            header.started_at = at;
            header.handle = handle;
        }
        header.idle = self.idle.unwrap_or(header.idle);
        header.persistent = self.persistent.or(header.persistent);
        header.csrf = self.csrf.unwrap_or(header.csrf);
        header
    }
}
