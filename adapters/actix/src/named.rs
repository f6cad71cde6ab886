//! One of several sessions, by its name.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderValue, USER_AGENT};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use cloakroom::SessionName;

use crate::{RequestSessions, Session, SessionError};

/// One of several sessions of an application, by its name, in a handler's arguments: everything that
/// [`cloakroom::Session`] does.
///
/// ```
/// use cloakroom_actix::{Config, Named, Session, SessionError, SessionMiddleware, SessionName, stores::MemoryStore};
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
/// let shop = SessionMiddleware::new(MemoryStore::new());
/// let config = Config::default().cookie_name(Admin::COOKIE);
/// let admin = SessionMiddleware::with_config(MemoryStore::new(), config)?;
/// # let _ =
/// actix_web::App::new().wrap(shop).wrap(admin).route("/", actix_web::web::post().to(hand_over))
/// # ;
/// # Ok::<(), cloakroom_actix::ConfigError>(())
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

impl<N: SessionName + 'static> FromRequest for Named<N> {
    type Error = SessionError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, SessionError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let session = RequestSessions::of(&request.extensions()).get(N::COOKIE).cloned();
        let device = request.headers().get(&USER_AGENT).cloned();
        Box::pin(async move {
            let session = session.ok_or(SessionError::NO_MIDDLEWARE)?.load().await?;
            session.suggest_device(|| device.as_ref().map(HeaderValue::as_bytes));
            Ok(Self { session, name: PhantomData })
        })
    }
}
