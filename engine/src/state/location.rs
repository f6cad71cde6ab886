//! Where the session of a request is in the store.

use cloakroom_store::{Owner, StoreKey, Timestamp, Version};

use crate::SessionId;
use crate::record::Header;

/// Where the session of a request is in the store.
#[derive(Clone, Debug, Default)]
#[expect(clippy::large_enum_variant, reason = "the state around it is in a box of its own")]
pub(crate) enum Location {
    /// The client has no session.
    #[default]
    Absent,
    /// The client's id is dead: a log-in replaced it, or another request ended the session. The request is anonymous and
    /// must not disturb the cookie, because the client may have a newer one.
    Closed,
    /// Unknown, because the store was down. The request is anonymous and writes nothing, not even a log-in, which would
    /// leave an old session alive.
    Unknown,
    /// A session, as it was last seen.
    Stored(Located),
}

/// A session as it was last seen in the store.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    /// The id that the client has.
    pub(crate) id: SessionId,
    pub(crate) key: StoreKey,
    pub(crate) version: Version,
    pub(crate) header: Header,
    pub(crate) expires_at: Timestamp,
    pub(crate) owner: Option<Owner>,
    /// Whether the client's id is an older one that leads here: the client has, or is about to get, a newer one.
    pub(crate) redirected: bool,
}

impl Location {
    pub(crate) const fn stored(&self) -> Option<&Located> {
        match self {
            Self::Stored(located) => Some(located),
            Self::Absent | Self::Closed | Self::Unknown => None,
        }
    }

    pub(crate) const fn stored_mut(&mut self) -> Option<&mut Located> {
        match self {
            Self::Stored(located) => Some(located),
            Self::Absent | Self::Closed | Self::Unknown => None,
        }
    }
}
