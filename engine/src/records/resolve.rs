//! Finds the session that a key leads to, by its redirects.

use cloakroom_store::{Owner, StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord};

use super::Records;
use crate::Result;
use crate::record::{Frames, Header, Payload, Redirect};

/// A session in the store.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) key: StoreKey,
    pub(crate) version: Version,
    pub(crate) header: Header,
    pub(crate) frames: Frames,
    pub(crate) expires_at: Timestamp,
    pub(crate) owner: Option<Owner>,
    /// Whether a redirect led here.
    pub(crate) redirected: bool,
}

/// What a key leads to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every one is live, and is taken apart at once")]
pub(crate) enum Resolved {
    Live(Live),
    /// A log-in took its place.
    ReplacedByLogin,
    /// It was renewed, and its grace is over.
    GraceOver,
    Missing,
    /// The record is there and cannot be read; its bytes stay.
    Unreadable,
}

/// How redirects are followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Follow {
    /// What rides on each load.
    pub(crate) touch: Option<Touch>,
    /// When the request came that brought the id: an old id is good until the end of its grace. `None` for a session
    /// that is held already, which finds its record for as long as that lives.
    pub(crate) arrived_at: Option<Timestamp>,
    /// How many redirects are followed at most.
    pub(crate) hops: usize,
}

impl Follow {
    /// Follows a session that a request holds already: as many redirects as renewals can leave.
    pub(crate) const HELD: Self = Self { touch: None, arrived_at: None, hops: 10_000 };
}

impl Records<'_> {
    /// Finds the session that `key` leads to.
    pub(crate) async fn resolve(&mut self, key: StoreKey, follow: Follow) -> Result<Resolved> {
        let found = self.load(&key, follow.touch).await?;
        self.resolve_from(key, found, follow).await
    }

    /// Finds the session that the record `found` under `key` is, or leads to.
    pub(crate) async fn resolve_from(
        &mut self,
        mut key: StoreKey,
        mut found: Option<VersionedRecord>,
        follow: Follow,
    ) -> Result<Resolved> {
        for hop in 0usize.. {
            let Some(stored) = found else { return Ok(Resolved::Missing) };
            let redirect = match Payload::decode(&stored.record.payload) {
                Ok(Payload::Redirect(Redirect { ended: Some(reason), .. })) => {
                    self.found_end = Some(reason);
                    return Ok(Resolved::Missing);
                }
                Ok(Payload::Redirect(redirect)) => redirect,
                Ok(Payload::Session(header, frames)) => {
                    let (expires_at, owner) = (stored.record.expires_at, stored.record.owner);
                    let (version, redirected) = (stored.version, hop > 0);
                    let live = Live { key, version, header, frames, expires_at, owner, redirected };
                    return Ok(Resolved::Live(live));
                }
                Err(_) => {
                    tracing::warn!("a session record cannot be read; it is left alone");
                    return Ok(Resolved::Unreadable);
                }
            };
            let is_in_grace = follow.arrived_at.is_none_or(|at| at <= redirect.grace_until);
            key = match redirect.to {
                Some(to) if is_in_grace && hop < follow.hops => to,
                _ if is_in_grace => return Ok(Resolved::ReplacedByLogin),
                _ => return Ok(Resolved::GraceOver),
            };
            found = self.load(&key, follow.touch).await?;
        }
        Ok(Resolved::Missing)
    }

    /// Gives the owner of a session a later date. `None` if the session is gone, `false` if it changed meanwhile.
    pub(crate) async fn redate(&mut self, live: Live, since: Timestamp) -> Result<Option<bool>> {
        let mut record = live.header.record(&live.frames);
        (record.expires_at, record.owner) = (live.expires_at, live.owner);
        if let Some(owner) = &mut record.owner {
            owner.logged_in_at = owner.logged_in_at.max(since);
        }
        loop {
            match self.update(&live.key, live.version, &record).await {
                Ok(UpdateOutcome::Updated(_)) => return Ok(Some(true)),
                Ok(UpdateOutcome::Conflict(_)) => return Ok(Some(false)),
                Ok(UpdateOutcome::NotFound | UpdateOutcome::Revoked) => return Ok(None),
                Err(error) => self.wait_after(error).await?,
            }
        }
    }
}
