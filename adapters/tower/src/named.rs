//! One of several sessions, by its name.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum_core::extract::FromRequestParts;
use cloakroom::SessionName;
use http::header::{HeaderValue, USER_AGENT};
use http::request::Parts;

use crate::{RequestSessions, Session, SessionError};

/// One of several sessions of an application, by its name, in a handler's arguments: everything that
/// [`cloakroom::Session`] does.
///
/// ```
/// use cloakroom_tower::{Config, Named, Session, SessionError, SessionLayer, SessionName, stores::MemoryStore};
///
/// struct Admin;
///
/// impl SessionName for Admin {
///     const COOKIE: &'static str = "__Host-admin";
/// }
///
/// async fn hand_over(shop: Session, admin: Named<Admin>) -> Result<(), SessionError> {
///     admin.push("seen", shop.get_or("order", 0)?)?;
///     Ok(())
/// }
///
/// let shop = SessionLayer::new(MemoryStore::new());
/// let config = Config::default().cookie_name(Admin::COOKIE);
/// let admin = SessionLayer::with_config(MemoryStore::new(), config)?;
/// # let app: axum::Router =
/// axum::Router::new().route("/", axum::routing::post(hand_over)).layer(shop).layer(admin)
/// # ; let _ = app;
/// # Ok::<(), cloakroom_tower::ConfigError>(())
/// ```
pub struct Named<N> {
    session: cloakroom::Session,
    name: PhantomData<fn() -> N>,
}

impl<N> Named<N> {
    /// Returns the session without its name.
    pub fn into_session(self) -> Session {
        self.session.into()
    }
}

impl<N> Clone for Named<N> {
    fn clone(&self) -> Self {
        Self { session: self.session.clone(), name: PhantomData }
    }
}

impl<N> Deref for Named<N> {
    type Target = cloakroom::Session;

    fn deref(&self) -> &cloakroom::Session {
        &self.session
    }
}

impl<N: SessionName> fmt::Debug for Named<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Named({})", N::COOKIE)
    }
}

impl<S: Sync, N: SessionName> FromRequestParts<S> for Named<N> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        let sessions = RequestSessions::of(&parts.extensions);
        let session = sessions.get(N::COOKIE).ok_or(SessionError::NO_LAYER)?.load().await?;
        session.suggest_device(|| parts.headers.get(USER_AGENT).map(HeaderValue::as_bytes));
        Ok(Self { session, name: PhantomData })
    }
}
