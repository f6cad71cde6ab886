//! How long this session lives.

use std::time::Duration;

use cloakroom_store::Timestamp;

use super::Session;
use crate::{Error, ErrorKind, Result};

/// # Lifetime
impl Session {
    /// Returns how long the session lives on if it is not used again.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// let minutes = session.expires_in().as_secs() / 60;
    /// assert_eq!(minutes, 30, "for the page that warns of it");
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn expires_in(&self) -> Duration {
        let engine = self.0.engine();
        let now = engine.clock().now();
        self.with(|state| {
            let lifetime = &engine.config().lifetime;
            match state.stored().filter(|_| !state.will_move_expiry()) {
                Some(stored) => stored.expires_at.min(lifetime.ends_at(&stored.header)).since(now),
                None => state.known_header().map_or_else(
                    || lifetime.idle.min(lifetime.absolute.unwrap_or(Duration::MAX)),
                    |header| lifetime.expires_at(&header, now).since(now),
                ),
            }
        })
    }

    /// Gives this session an idle time of its own; `None`: the idle time is as configured, and the cookie ends with the
    /// browser.
    ///
    /// The server enforces it. The absolute time still ends the session: for an idle time that is longer, set
    /// [`set_absolute_timeout`](Self::set_absolute_timeout), too. With a time of zero the session has ended for the next
    /// request.
    ///
    /// With `Some`, the cookie outlives the browser; with `None`, it does not. Where that changes, the cookie is sent again,
    /// with a fresh id. It stays set for all that follows in this session, also for another user who logs in.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # use std::time::Duration;
    /// # let session = Session::for_test()?;
    /// session.log_in("alice")?;
    /// session.set_idle_timeout(Some(Duration::from_secs(5 * 60))); // a shared computer
    /// assert_eq!(session.expires_in(), Duration::from_secs(5 * 60));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn set_idle_timeout(&self, idle: Option<Duration>) {
        self.with(|state| {
            let was = state.known_header().and_then(|header| header.persistent());
            let was = was.unwrap_or(self.0.engine().config().lifetime.persistent);
            state.header_changes.idle = Some(idle);
            state.header_changes.persistent = Some(idle.is_some());
            if was != idle.is_some() {
                state.renew();
            }
        });
    }

    /// Lets this session live for `absolute` at most, from its beginning or its last log-in on, whatever is
    /// [configured](crate::Config::absolute_timeout); `None`: as configured. It keeps that under every new id and in every
    /// process, and after a log-in of this session. A stored session gets a fresh id with it, because the cookie lasts as
    /// long.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if it is zero, or longer than the [preset](crate::Config::preset) allows.
    ///
    /// A box "remember me" at the log-in:
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # let remember_me = true;
    /// const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
    ///
    /// session.log_in("alice")?;
    /// if remember_me {
    ///     session.set_idle_timeout(Some(MONTH));
    ///     session.set_absolute_timeout(MONTH)?;
    /// } else {
    ///     session.set_idle_timeout(None); // nor does what another user of this browser chose stay
    ///     session.set_absolute_timeout(None)?;
    /// }
    /// assert!(session.expires_in() > MONTH / 2);
    /// # Ok(()) }
    /// ```
    pub fn set_absolute_timeout(&self, absolute: impl Into<Option<Duration>>) -> Result<()> {
        let absolute = absolute.into();
        if absolute.is_some_and(|absolute| absolute.is_zero()) {
            return Err(Error::new(ErrorKind::Invalid, "the session would end at once"));
        }
        let most = self.0.engine().config().lifetime.most_absolute;
        if absolute.is_some_and(|absolute| absolute > most) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "the session would live for longer than the preset allows",
            ));
        }
        self.with(|state| {
            state.header_changes.own().absolute = Some(absolute);
            state.renew();
        });
        Ok(())
    }

    /// Restarts the idle clock, even if that is not due.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> cloakroom::Result<()> {
    /// # let session = Session::for_test()?;
    /// session.insert("room", "lobby")?;
    /// // A WebSocket that has been quiet for a while:
    /// session.touch();
    /// session.save().await?; // fails if the user has logged out meanwhile
    /// # Ok(()) }
    /// ```
    pub fn touch(&self) {
        self.with(|state| state.touch = true);
    }

    /// Returns when the session began, or its user last logged in: the start of the absolute clock.
    ///
    /// ```
    /// # use cloakroom::{Session, Timestamp};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> cloakroom::Result<()> {
    /// # let session = Session::for_test()?;
    /// session.insert("coat", "green")?;
    /// session.save().await?;
    /// assert!(session.started_at().is_some_and(|at| at <= Timestamp::now()));
    /// # Ok(()) }
    /// ```
    pub fn started_at(&self) -> Option<Timestamp> {
        self.with(|state| state.known_header().map(|header| header.started_at()))
    }
}
