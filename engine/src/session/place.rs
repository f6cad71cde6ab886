//! Where a request's session is in the store.

use cloakroom_store::{Owner, StoreKey, Timestamp, Version};

use crate::SessionId;
use crate::record::Header;

/// Where the session is.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the state around it is in a box of its own")]
pub(crate) enum Place {
    /// The client has none.
    Absent,
    /// The client's id was replaced by a log-in: see [`Origin::Closed`].
    Closed,
    /// Nobody could look: see [`Origin::Unseen`].
    Unseen,
    Stored(StoredSession),
}

/// A session as it was last seen in the store.
#[derive(Debug)]
pub(crate) struct StoredSession {
    /// The id that the client has.
    pub(crate) id: SessionId,
    pub(crate) key: StoreKey,
    pub(crate) version: Version,
    pub(crate) header: Header,
    pub(crate) expires_at: Timestamp,
    pub(crate) owner: Option<Owner>,
    /// Whether the client's id is an older one that leads here.
    pub(crate) late: bool,
}
