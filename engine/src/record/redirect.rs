//! The record that a renewal or log-in leaves under the old id.

use cloakroom_store::{StoreKey, Timestamp};

use super::take_u64;
use crate::observe::EndReason;

/// The payload under an old id, after a renewal or log-in.
///
/// | size | field |
/// |---|---|
/// | 8 | nonce of the commit that left it |
/// | 8 | end of the grace for requests that bring the old id, µs since 1970 |
/// | rest | key of the record that the session moved to; empty after a log-in; one byte if the session was ended and that is
/// remembered: 1 a log-out, 2 by the application, 3 a revocation, 4 the limit on sessions |
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) nonce: u64,
    /// The end of the grace. Requests that were under way may follow the redirect for as long as it exists.
    pub(crate) grace_until: Timestamp,
    /// Where the session went. `None` after a log-in: an old id must not lead to the new session.
    pub(crate) to: Option<StoreKey>,
    /// Why the session was ended, if it was: then it has led nowhere.
    pub(crate) ended: Option<EndReason>,
}

impl Redirect {
    pub(super) fn decode(points: bool, bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let nonce = take_u64(&mut rest)?;
        let grace_until = Timestamp::from_micros(take_u64(&mut rest)?);
        let to = if points { Some(StoreKey::from_bytes(rest).ok()?) } else { None };
        let ended = if points { None } else { rest.first().and_then(|code| reason_of(*code)) };
        Some(Self { nonce, grace_until, to, ended })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.nonce.to_le_bytes());
        out.extend_from_slice(&self.grace_until.as_micros().to_le_bytes());
        if let Some(to) = &self.to {
            out.extend_from_slice(to.as_bytes());
        } else if let Some(code) = self.ended.and_then(code_of) {
            out.push(code);
        }
    }
}

/// The reasons that are remembered; the first one has the code 1.
const REASONS: [EndReason; 4] = [EndReason::LogOut, EndReason::Destroyed, EndReason::Revoked, EndReason::Cap];

fn code_of(reason: EndReason) -> Option<u8> {
    let place = REASONS.iter().position(|known| *known == reason)?;
    u8::try_from(place + 1).ok()
}

fn reason_of(code: u8) -> Option<EndReason> {
    REASONS.get(usize::from(code).checked_sub(1)?).copied()
}
