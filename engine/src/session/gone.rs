//! Why a request has no session although it brought an id.

use super::Session;
use crate::observe::{EndReason, ExpiryReason};
use crate::state::Location;

/// Why the session that a request named is not there; from [`Session::gone_because`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GoneReason {
    /// It was ended: by a log-out, the application, a revocation, or the limit on sessions. Known only with
    /// [`Config::remember_endings`](crate::Config::remember_endings), and for that long.
    Ended(EndReason),
    /// It ran out, and its record was still there: it had reached an absolute or idle limit that was shortened since its record was
    /// written. In the usual case the store has dropped the record, and the reason is `Unknown`.
    Expired(ExpiryReason),
    /// A log-in replaced it, within the last two hours.
    ReplacedByLogIn,
    /// Its id was renewed, and the grace of the old one is over.
    Renewed,
    /// The application's [`validate`](crate::Config::validate) refused it for this request. It lives.
    Refused,
    /// Its record is there and cannot be read: damaged, or written by a newer release.
    Unreadable,
    /// What the client sent cannot be an id, or its signature is wrong.
    NotAnId,
    /// The store did not answer, and the request is served all the same, by
    /// [`OutageFallback::AnonymousReadOnly`](crate::OutageFallback::AnonymousReadOnly).
    StoreUnavailable,
    /// The store has nothing under this id: the session was idle for too long, it was ended and nothing remembers that, or
    /// there never was one.
    Unknown,
}

impl GoneReason {
    /// Returns how much is known: of several ids, the one that says most counts.
    const fn weight(self) -> u8 {
        match self {
            Self::Ended(_) => 7,
            Self::Expired(_) => 6,
            Self::ReplacedByLogIn => 5,
            Self::Refused => 4,
            Self::Unreadable => 3,
            Self::Renewed => 2,
            Self::Unknown => 1,
            Self::NotAnId | Self::StoreUnavailable => 0,
        }
    }

    /// Returns the reason that says more.
    pub(crate) fn or(self, other: Option<Self>) -> Self {
        other.filter(|other| other.weight() >= self.weight()).unwrap_or(self)
    }
}

/// # Why there is no session
impl Session {
    /// Returns why this request began without a session although the client named one; `None` if it found its session, or
    /// if the client named none. For a log-in page that says "you were logged out on another device". It asks no store: the
    /// load has found out as much as the store still knows.
    ///
    /// Do not treat people differently by it: a client can send any id.
    ///
    /// ```
    /// # use cloakroom::{Config, EndReason, GoneReason, PlainRequest, SessionManager, stores::MemoryStore};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().remember_endings(Duration::from_secs(24 * 60 * 60));
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # let session = request.load().await?;
    /// # session.log_in("alice")?;
    /// # let cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// # let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap_or_default());
    /// manager.sessions().revoke_all("alice").await?; // an administrator, meanwhile
    ///
    /// let session = manager.begin(&cookie).load().await?;
    /// assert_eq!(session.gone_because(), Some(GoneReason::Ended(EndReason::Revoked)));
    /// # Ok(()) }
    /// ```
    pub fn gone_because(&self) -> Option<GoneReason> {
        let known = self.with(|state| match state.location {
            Location::Stored(_) => Some(None),
            Location::Unknown => Some(Some(GoneReason::StoreUnavailable)),
            Location::Absent | Location::Closed => state.gone_because().map(Some),
        });
        known.unwrap_or_else(|| self.0.brought_no_id().then_some(GoneReason::NotAnId))
    }
}

/// # Waiting for the end
impl Session {
    /// Waits until the session has ended, and returns why: for WebSockets, event streams, and tasks that outlive their
    /// response. Woken by a log-out, a revocation, the limit on sessions, expiry, and a log-in that replaces the session;
    /// not by a renewed id. A session that is not stored has ended already.
    ///
    /// What this process ends, it tells at once. For what other processes end, and for expiry, one task of the
    /// [`SessionManager`](crate::SessionManager) looks at each session once in
    /// [`ending_interval`](crate::Config::ending_interval), which does not count as activity: one load for each session, however many
    /// futures wait for it, spread over the interval. 10,000 sockets of as many sessions cost 1,000 loads a second at the
    /// default of 10 seconds; 10,000 sockets of one session cost one load in 10 seconds. An outage of the store ends nothing.
    /// Where the store keeps no reason (see [`Config::remember_endings`](crate::Config::remember_endings)), an end in another process
    /// is [`Unknown`](GoneReason::Unknown).
    ///
    /// The future holds no lock and no request; dropping it ends the wait.
    ///
    /// ```
    /// # use cloakroom::{Config, EndReason, GoneReason, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// # let public_id = session.public_id().unwrap();
    /// let ended = session.ended(); // in the handler of a socket
    /// # manager.sessions().revoke("alice", &public_id).await?;
    /// tokio::select! {
    ///     reason = ended => assert_eq!(reason, GoneReason::Ended(EndReason::Revoked)), // close the socket
    ///     () = messages() => unreachable!(),
    /// }
    /// # Ok(()) }
    /// # async fn messages() { std::future::pending().await }
    /// ```
    pub fn ended(&self) -> impl Future<Output = GoneReason> + Send + use<> {
        let engine = self.0.engine();
        let located = self.with(|state| state.stored().cloned());
        let ended = located.map(|located| engine.ended(&located));
        let known = if ended.is_none() { self.gone_because() } else { None };
        async move {
            match ended {
                Some(ended) => ended.await,
                None => known.unwrap_or(GoneReason::Unknown),
            }
        }
    }
}
