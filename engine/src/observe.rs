//! Events of sessions, for logs, metrics and alerts.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::{ErrorKind, PublicId, SessionManager};

/// Something that happened to a session, or to the store: exactly one event each time, with its reason.
///
/// No event holds an id, a key or a value. Later versions may add events, and fields to the ones there are.
///
/// ```
/// use cloakroom::{Event, RejectReason};
///
/// fn is_an_attack(event: &Event) -> bool {
///     matches!(event, Event::Rejected { reason: RejectReason::Malformed | RejectReason::Forged, .. })
/// }
/// # let _ = is_an_attack;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A session was stored for the first time.
    #[non_exhaustive]
    Created {
        /// The session.
        session: PublicId,
    },
    /// A session has a new id.
    #[non_exhaustive]
    Renewed {
        /// The session.
        session: PublicId,
        /// Why.
        reason: RenewalReason,
    },
    /// A session was ended by the application.
    #[non_exhaustive]
    Ended {
        /// Why.
        reason: EndReason,
        /// How many sessions.
        count: u64,
    },
    /// Sessions expired.
    #[non_exhaustive]
    Expired {
        /// Which timeout ended them.
        reason: ExpiryReason,
        /// How many sessions.
        count: u64,
    },
    /// A cookie was not accepted; the request is anonymous. A cookie of a [`CookieFormat`](crate::format::CookieFormat) is
    /// read when the request first uses its session.
    #[non_exhaustive]
    Rejected {
        /// Why.
        reason: RejectReason,
    },
    /// Changes were dropped because their session had ended meanwhile.
    WriteDropped,
    /// A session was to end, and did not: a log-in had replaced it, and the session under the newer id goes on.
    #[non_exhaustive]
    EndIgnored {
        /// Why it was to end.
        reason: EndReason,
    },
    /// A `Session` was changed after the response, and dropped without a [`save`](crate::Session::save).
    UnsavedChanges,
    /// Two requests changed a session at once; their changes were merged.
    #[non_exhaustive]
    Merged {
        /// How many times the commit had to begin again.
        retries: u32,
    },
    /// A session could not be loaded, saved, swept, or kept from running out.
    #[non_exhaustive]
    Failed {
        /// What was being done.
        operation: Operation,
        /// What went wrong.
        kind: ErrorKind,
    },
    /// The store did not answer, for the first time since it last did. Requests wait or fail as the
    /// [outage policy](crate::StoreOutage) says.
    StoreUnavailable,
    /// The store answers again.
    StoreRecovered,
    /// A response that used its session may be stored by shared caches: the application said `public`,
    /// `s-maxage`, or so in a header for a CDN. One user may see a page that was made for another.
    SharedCache,
    /// A request that changed its session ended without a response: its handler panicked or failed, it ran out of
    /// time, or the client went away. The changes are not saved, unless that was under way already.
    Unanswered,
    /// A session layer is inside of another one with the same cookie name and has another engine: the outer one
    /// keeps the session, and the store and the options of the inner one are not used. Reported once for each layer.
    LayerIgnored,
}

impl SessionManager {
    /// Reports an event to the [observer](crate::Config::observer): for adapters, which see what the engine cannot.
    pub fn report(&self, event: &Event) {
        self.emit(event);
    }
}

/// Why an id was renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenewalReason {
    /// The renewal was due, or the application asked for it; the user's rights are the same.
    SamePrivilege,
    /// A user logged in.
    LogIn,
}

/// Why the application ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The user logged out.
    LogOut,
    /// The handler destroyed or reset it.
    Destroyed,
    /// It was revoked from outside: by an administrator or from another device.
    Revoked,
    /// The user had more sessions than the limit.
    Cap,
}

/// The timeout that ended sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpiryReason {
    /// No request used them. Counted when the sweep removes their records, so only where a store is swept; and not
    /// for sessions whose idle time was set for them alone, which no store can tell from what other sessions leave behind.
    Idle,
    /// They reached the absolute timeout.
    Absolute,
}

/// Why a cookie was not accepted. Many of one kind mean that an attacker is guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectReason {
    /// It cannot be an id.
    Malformed,
    /// Its signature is wrong.
    Forged,
    /// No live session has this id.
    Unknown,
    /// The id was renewed or replaced, and its grace is over; or a log-in replaced it just now.
    Superseded,
    /// The record is there and cannot be read: damaged, or written by a newer release. Its bytes stay.
    Unreadable,
    /// The application's [`validate`](crate::Config::validate) refused the session for this request.
    Refused,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// A load.
    Load,
    /// A commit.
    Commit,
    /// A sweep, in the background; it goes on.
    Sweep,
    /// Moving the expiry of a session that was loaded; the request goes on. While this lasts, sessions run out although
    /// they are used.
    Touch,
    /// A list, a count or a revocation of a user's sessions.
    Manage,
}

impl RenewalReason {
    /// Returns the name that metrics use.
    #[cfg(feature = "metrics")]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SamePrivilege => "same_privilege",
            Self::LogIn => "log_in",
        }
    }
}

impl Operation {
    /// Returns the name that metrics use.
    #[cfg(feature = "metrics")]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Commit => "commit",
            Self::Sweep => "sweep",
            Self::Touch => "touch",
            Self::Manage => "manage",
        }
    }
}

impl EndReason {
    /// Returns the name that metrics and the audit stream use.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LogOut => "log_out",
            Self::Destroyed => "destroyed",
            Self::Revoked => "revoked",
            Self::Cap => "cap",
        }
    }
}

impl ExpiryReason {
    /// Returns the name that metrics and the audit stream use.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Absolute => "absolute",
        }
    }
}

impl RejectReason {
    /// Returns the name that metrics and the audit stream use.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Superseded => "superseded",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What an operation on the store took: a load, a commit, a sweep.
///
/// The work on sessions that were met as they had expired is not counted: a request does not wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Measurement {
    /// What was done. An operation that was given up counts too.
    pub operation: Operation,
    /// How long it took, with all waiting.
    pub took: Duration,
    /// How often the store was asked.
    pub trips: u32,
    /// How often that was asked again after a failure.
    pub retries: u32,
    /// How often another request had changed the session first.
    pub conflicts: u32,
    /// How many expired records a sweep removed.
    pub removed: u64,
}

impl Measurement {
    pub(crate) const fn begin(operation: Operation) -> Self {
        Self { operation, took: Duration::ZERO, trips: 0, retries: 0, conflicts: 0, removed: 0 }
    }

    /// Measures an operation that has asked the store once.
    pub(crate) fn of_one_trip(operation: Operation, since: Instant) -> Self {
        Self { took: since.elapsed(), trips: 1, ..Self::begin(operation) }
    }
}

/// Receives what happens to sessions. Called in the middle of a request: be quick, never block.
pub trait Observer: Send + Sync + 'static {
    /// Takes note of `event`.
    fn on_event(&self, event: &Event);

    /// Takes note of what an operation took; called only if [`measures`](Self::measures) says so. Default: does nothing.
    fn on_measurement(&self, measurement: &Measurement) {
        let _ = measurement;
    }

    /// Returns whether operations are to be measured: asked once, when the engine is made. Default: `false`, so that no
    /// clock is read in vain.
    fn measures(&self) -> bool {
        false
    }
}

/// Tells both, the first one first.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn on_event(&self, event: &Event) {
        self.0.on_event(event);
        self.1.on_event(event);
    }

    fn on_measurement(&self, measurement: &Measurement) {
        self.0.on_measurement(measurement);
        self.1.on_measurement(measurement);
    }

    fn measures(&self) -> bool {
        self.0.measures() || self.1.measures()
    }
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn on_event(&self, event: &Event) {
        self(event);
    }
}

impl fmt::Debug for dyn Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
