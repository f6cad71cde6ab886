//! The session, as handlers have it.

use std::ops::Deref;

/// The session of the request, loaded: everything that [`cloakroom::Session`] does, in a handler's arguments.
///
/// ```
/// use cloakroom_tower::{Session, SessionError};
///
/// async fn counter(session: Session) -> Result<String, SessionError> {
///     let visits = session.increment("visits", 1)?;
///     Ok(format!("visit {visits}\n"))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(counter));
/// ```
#[derive(Clone, Debug)]
pub struct Session(pub(crate) cloakroom::Session);

impl Session {
    /// Makes a session without a request or a server, to call a handler with in a unit test; see
    /// [`cloakroom::Session::for_test`].
    ///
    /// # Errors
    /// [`Random`](cloakroom::ErrorKind::Random) if the operating system gives no random bytes.
    ///
    /// ```
    /// use cloakroom_tower::{Session, SessionError};
    ///
    /// async fn counter(session: Session) -> Result<String, SessionError> {
    ///     Ok(format!("visit {}", session.increment("visits", 1)?))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), SessionError> {
    /// let session = Session::for_test()?;
    /// assert_eq!(counter(session.clone()).await?, "visit 1");
    /// assert_eq!(counter(session.clone()).await?, "visit 2");
    /// assert_eq!(session.get_or("visits", 0)?, 2);
    /// # Ok(()) }
    /// ```
    pub fn for_test() -> cloakroom::Result<Self> {
        cloakroom::Session::for_test().map(Self)
    }
}

impl From<cloakroom::Session> for Session {
    fn from(session: cloakroom::Session) -> Self {
        Self(session)
    }
}

impl Deref for Session {
    type Target = cloakroom::Session;

    fn deref(&self) -> &cloakroom::Session {
        &self.0
    }
}
