//! The cookie of one session.

use std::fmt;
use std::time::Duration;

use cloakroom_store::Timestamp;

use super::Session;
use crate::record::CookieEnd;
use crate::state::{CookieLifetime, IntentKind, State};
use crate::{Error, ErrorKind, Result, SameSite};

/// The cookie of one session: how long it lasts, and which requests from other sites carry it. From
/// [`Session::cookie`].
///
/// What is set here is stored with the session: every later request, every process, and a renewed id have it too. A stored
/// session gets a fresh id with it, as by [`cycle_id`](Session::cycle_id): the cookie is sent once an id, so that
/// responses that overtake each other cannot bring an old one back. Name, path, domain, `Secure` and `HttpOnly` are the
/// same for all sessions: a browser keeps a cookie of another path or domain beside the old one.
///
/// The cookie is not what ends a session: the server does, by the
/// [idle time](Session::set_idle_timeout) and the [absolute one](Session::set_absolute_timeout), and the cookie lasts no
/// longer than the latter.
pub struct SessionCookie<'a>(&'a Session);

/// # The cookie of this session
impl Session {
    /// Returns the cookie of this session, to read and to change its options.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// session.cookie().set_max_age(Duration::from_secs(3600))?;
    /// assert_eq!(session.cookie().original_max_age(), Some(Duration::from_secs(3600)));
    /// session.cookie().end_with_browser();
    /// assert_eq!(session.cookie().max_age(), None);
    /// # Ok(()) }
    /// ```
    pub const fn cookie(&self) -> SessionCookie<'_> {
        SessionCookie(self)
    }
}

impl SessionCookie<'_> {
    /// Returns how much longer the browser keeps the cookie that it has, or gets with this response; `None`: until it is
    /// closed.
    pub fn max_age(&self) -> Option<Duration> {
        let now = self.now();
        self.expires_at().map(|at| at.since(now))
    }

    /// Returns how long the cookie was to last when it was made, or lasts from now on if this response sends it; `None`:
    /// until the browser is closed.
    pub fn original_max_age(&self) -> Option<Duration> {
        let set = self.0.with(|state| state.header_without_secrets().own().cookie);
        match (self.issued().max_age, set) {
            (Some(_), Some(CookieEnd::After(span))) => Some(span),
            (max_age, _) => max_age,
        }
    }

    /// Returns when the cookie ends; `None`: when the browser is closed.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let issued = self.issued();
        issued.max_age.map(|max_age| issued.from + max_age)
    }

    /// Lets the cookie outlive the browser, and last for `max_age` from now on. A renewed id begins the time anew.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is zero: [`log_out`](Session::log_out) takes a cookie away.
    pub fn set_max_age(&self, max_age: Duration) -> Result<()> {
        if max_age.is_zero() {
            return Err(Error::new(ErrorKind::Invalid, "the cookie would end at once"));
        }
        self.change(true, Some(CookieEnd::After(max_age)));
        Ok(())
    }

    /// Lets the cookie outlive the browser, until `at`. A renewed id does not change that.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is not later than now.
    pub fn set_expires_at(&self, at: Timestamp) -> Result<()> {
        if at <= self.now() {
            return Err(Error::new(ErrorKind::Invalid, "the cookie would have ended already"));
        }
        self.change(true, Some(CookieEnd::At(at)));
        Ok(())
    }

    /// Lets the cookie end when the browser is closed.
    pub fn end_with_browser(&self) {
        self.change(false, None);
    }

    /// Returns the `SameSite` of this session alone; `None`: as [configured](crate::Config::same_site).
    pub fn same_site(&self) -> Option<SameSite> {
        self.0.with(|state| state.header_without_secrets().own().same_site)
    }

    /// Sets the `SameSite` of this session alone; `None`: as [configured](crate::Config::same_site).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if browsers refuse it together with the configured attributes: `SameSite=None` without
    /// an unconditional `Secure`, another one with `Partitioned`. [`Unsupported`](ErrorKind::Unsupported) with a
    /// [cookie format](crate::Config::cookie_format).
    pub fn set_same_site(&self, same_site: impl Into<Option<SameSite>>) -> Result<()> {
        let same_site = same_site.into();
        let engine = self.0.0.engine();
        if engine.format().is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this session format has no SameSite of one session",
            ));
        }
        if let Some(same_site) = same_site {
            let checked = engine.config().cookie.allows(same_site);
            checked.map_err(|error| {
                Error::new(ErrorKind::Invalid, "browsers would refuse the cookie").with_source(error)
            })?;
        }
        self.0.with(|state| {
            state.header_changes.own().same_site = Some(same_site);
            state.renew();
        });
        Ok(())
    }

    fn change(&self, persistent: bool, end: Option<CookieEnd>) {
        self.0.with(|state| {
            state.header_changes.persistent = Some(persistent);
            state.header_changes.own().cookie = Some(end);
            state.renew();
        });
    }

    /// Returns the cookie as it was sent with the present id, or will be with this response.
    fn issued(&self) -> CookieLifetime {
        let (config, now) = (self.0.0.engine().config(), self.now());
        self.0.with(|state| {
            let header = state.header_without_secrets();
            let is_sent_now = config.rolling || will_be_sent(state);
            config.lifetime.cookie(&header, if is_sent_now { now } else { header.renewed_at() })
        })
    }

    fn now(&self) -> Timestamp {
        self.0.0.engine().clock().now()
    }
}

/// Returns whether this response makes an id.
fn will_be_sent(state: &State) -> bool {
    state.stored().is_none() || state.intent.kind() != IntentKind::Keep
}

impl fmt::Debug for SessionCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionCookie(..)")
    }
}
