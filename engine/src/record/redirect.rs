//! The record that a renewal or log-in leaves under the old id.

use cloakroom_store::{StoreKey, Timestamp};

use super::take_u64;

/// The payload under an old id, after a renewal or log-in.
///
/// | size | field |
/// |---|---|
/// | 8 | nonce of the commit that left it |
/// | 8 | end of the grace for requests that bring the old id, µs since 1970 |
/// | rest | key of the record that the session moved to; empty after a log-in |
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) nonce: u64,
    /// The end of the grace. Requests that were under way may follow the redirect for as long as it exists.
    pub(crate) grace_until: Timestamp,
    /// Where the session went. `None` after a log-in: an old id must not lead to the new session.
    pub(crate) to: Option<StoreKey>,
}

impl Redirect {
    pub(super) fn decode(points: bool, bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let nonce = take_u64(&mut rest)?;
        let grace_until = Timestamp::from_micros(take_u64(&mut rest)?);
        let to = if points { Some(StoreKey::from_bytes(rest).ok()?) } else { None };
        Some(Self { nonce, grace_until, to })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.nonce.to_le_bytes());
        out.extend_from_slice(&self.grace_until.as_micros().to_le_bytes());
        if let Some(to) = &self.to {
            out.extend_from_slice(to.as_bytes());
        }
    }
}
