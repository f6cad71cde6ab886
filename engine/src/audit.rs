//! The audit stream: who logged in, and why a session ended, as `tracing` events of one target.
//!
//! | message | level | fields |
//! |---|---|---|
//! | `logged in` | info | `session`, `user`, `device` |
//! | `ended` | info | `session`, `user`, `reason`; `count` in the place of `session` if all of a user's ended |
//! | `expired` | info | `reason`, `count`: what a sweep removed |
//! | `began`, `renewed` | debug | `session` |
//! | `rejected` | debug | `reason`: why a cookie was not accepted |
//!
//! `session` is a public id. Events are emitted within the span of the request, also where a task of its own finishes the
//! commit: so a subscriber adds what the application's span knows, such as the client's address.

use cloakroom_store::{Owner, OwnerKey, Record};
use tracing::Level;

use crate::PublicId;
use crate::observe::{EndReason, Event, ExpiryReason};
use crate::record::{Header, read_head};

/// The target of all events of the audit stream.
pub(crate) const TARGET: &str = "cloakroom::audit";

/// A record was stored under a new id: by a log-in, or by a session that begins.
pub(crate) fn stored(header: &Header, record: &Record) {
    if record.owner.is_some() && header.authenticated_at().is_some() {
        logged_in(header, record);
    } else {
        began(PublicId::new(header.public_id()));
    }
}

pub(crate) fn began(session: PublicId) {
    tracing::debug!(target: TARGET, %session, "began");
}

pub(crate) fn renewed(session: PublicId) {
    tracing::debug!(target: TARGET, %session, "renewed");
}

pub(crate) fn logged_in(header: &Header, record: &Record) {
    if !tracing::enabled!(target: TARGET, Level::INFO) {
        return;
    }
    let session = PublicId::new(header.public_id());
    let user = record.owner.as_ref().map(|owner| name(&owner.key));
    let device = read_head(&record.payload).and_then(|(_, device)| device);
    tracing::info!(target: TARGET, %session, user, device, "logged in");
}

pub(crate) fn ended(session: PublicId, owner: Option<&Owner>, reason: EndReason) {
    ended_of(session, || owner.map(|owner| name(&owner.key)), reason.name());
}

pub(crate) fn expired(session: PublicId, owner: Option<&Owner>, reason: ExpiryReason) {
    ended_of(session, || owner.map(|owner| name(&owner.key)), reason.name());
}

/// A session of a user, or of no user, was ended.
pub(crate) fn ended_of(session: PublicId, user: impl FnOnce() -> Option<String>, reason: &'static str) {
    if tracing::enabled!(target: TARGET, Level::INFO) {
        tracing::info!(target: TARGET, %session, user = user(), reason, "ended");
    }
}

/// The sessions of a user were ended, all or all but one.
pub(crate) fn revoked_all(user: &str, count: u64) {
    if count > 0 {
        tracing::info!(target: TARGET, user, count, reason = EndReason::Revoked.name(), "ended");
    }
}

pub(crate) fn swept(count: u64) {
    tracing::info!(target: TARGET, count, reason = ExpiryReason::Idle.name(), "expired");
}

/// Notes what an event says that names no session.
pub(crate) fn note(event: &Event) {
    if let Event::Rejected { reason } = event {
        tracing::debug!(target: TARGET, reason = reason.name(), "rejected");
    }
}

fn name(key: &OwnerKey) -> String {
    String::from_utf8_lossy(key.as_bytes()).into_owned()
}
