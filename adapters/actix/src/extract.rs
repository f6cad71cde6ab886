//! The session in a handler's arguments.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::{Extensions, Payload};
use actix_web::http::header::{HeaderValue, USER_AGENT};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use cloakroom::RequestSession;

use crate::SessionError;
use crate::headers::Head;

/// The session of the request, loaded: everything that [`cloakroom::Session`] does, in a handler's arguments.
///
/// ```
/// use cloakroom_actix::{Session, SessionError};
///
/// async fn counter(session: Session) -> Result<String, SessionError> {
///     let visits = session.increment("visits", 1)?;
///     Ok(format!("visit {visits}\n"))
/// }
/// # let _ = actix_web::App::new().route("/", actix_web::web::get().to(counter));
/// ```
#[derive(Clone, Debug)]
pub struct Session(cloakroom::Session);

impl Session {
    /// Makes a session without a request or a server, to call a handler with in a unit test; see
    /// [`cloakroom::Session::for_test`].
    ///
    /// # Errors
    /// [`Random`](cloakroom::ErrorKind::Random) if the operating system gives no random bytes.
    ///
    /// ```
    /// use cloakroom_actix::{Session, SessionError};
    ///
    /// async fn counter(session: Session) -> Result<String, SessionError> {
    ///     Ok(format!("visit {}", session.increment("visits", 1)?))
    /// }
    ///
    /// # #[actix_web::main] async fn main() -> Result<(), SessionError> {
    /// assert_eq!(counter(Session::for_test()?).await?, "visit 1");
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

impl FromRequest for Session {
    type Error = SessionError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, SessionError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let session = LazySession::of(request);
        Box::pin(async move { session?.load().await })
    }
}

/// The session, loaded only when the handler asks for it; for handlers that may not need it.
///
/// ```
/// use actix_web::web::Path;
/// use cloakroom_actix::{LazySession, SessionError};
///
/// async fn page(page: Path<String>, session: LazySession) -> Result<String, SessionError> {
///     if *page == "imprint" {
///         return Ok("no store trip was made".into());
///     }
///     let session = session.load().await?;
///     Ok(format!("hello {}", session.user().unwrap_or_default()))
/// }
/// # let _ = actix_web::App::new().route("/{page}", actix_web::web::get().to(page));
/// ```
#[derive(Clone, Debug)]
pub struct LazySession {
    session: RequestSession,
    device: Option<HeaderValue>,
}

impl LazySession {
    fn of(request: &HttpRequest) -> Result<Self, SessionError> {
        let session = request.extensions().get::<RequestSession>().cloned();
        let session = session.ok_or(SessionError::NO_MIDDLEWARE)?;
        session.note_headers(&Head(request));
        Ok(Self { session, device: request.headers().get(&USER_AGENT).cloned() })
    }

    /// Loads the session, once in a request.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn load(&self) -> Result<Session, SessionError> {
        let session = self.session.load().await?;
        session.suggest_device(|| self.device.as_ref().map(HeaderValue::as_bytes));
        Ok(Session(session))
    }

    /// Looks at the session without using it: see [`RequestSession::peek`]. For pages that poll.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub async fn peek(&self) -> Result<Option<cloakroom::SessionView>, SessionError> {
        Ok(self.session.peek().await?)
    }
}

impl FromRequest for LazySession {
    type Error = SessionError;
    type Future = Ready<Result<Self, SessionError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// The sessions of a request that went through several [`SessionMiddleware`](crate::SessionMiddleware)s: one for each
/// cookie name.
///
/// [`Session`] is that of the innermost one; the others are found by the name of their cookie.
///
/// ```
/// use cloakroom_actix::{RequestSessions, Session, SessionError};
///
/// async fn checkout(cart: Session, sessions: RequestSessions) -> Result<String, SessionError> {
///     let user = sessions.get("user").ok_or(SessionError::NO_MIDDLEWARE)?.load().await?;
///     Ok(format!("{:?} buys {}", user.user(), cart.get_or("books", 0)?))
/// }
/// # let _ = actix_web::App::new().route("/", actix_web::web::get().to(checkout));
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestSessions(cloakroom::RequestSessions);

impl RequestSessions {
    /// Finds the sessions in the extensions of a request.
    pub fn of(extensions: &Extensions) -> Self {
        let Self(sessions) = extensions.get().cloned().unwrap_or_default();
        Self(sessions.with(extensions.get::<RequestSession>()))
    }

    /// Returns the session whose cookie has this name; `None` if the request went through no such middleware.
    pub fn get(&self, cookie_name: &str) -> Option<&RequestSession> {
        self.0.get(cookie_name)
    }
}

impl FromRequest for RequestSessions {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let sessions = Self::of(&request.extensions());
        sessions.0.note_headers(&Head(request));
        ready(Ok(sessions))
    }
}
