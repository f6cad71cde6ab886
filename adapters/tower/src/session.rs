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
