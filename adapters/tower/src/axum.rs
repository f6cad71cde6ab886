//! Extractors for axum, and errors as responses.

use std::convert::Infallible;
use std::fmt;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use cloakroom::{Error, ErrorKind, RequestSession};
use http::header::{HeaderValue, USER_AGENT};
use http::request::Parts;

use crate::response::no_layer;
use crate::service::{Head, find};
use crate::{RequestSessions, Session};

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        let session = pending(parts)?.load().await?;
        session.suggest_device(|| find(&parts.headers, &USER_AGENT).map(HeaderValue::as_bytes));
        Ok(Self(session))
    }
}

/// An `Option<Session>` is `None` where the client has no session yet, and begins none. A store that does not answer is an
/// error all the same.
///
/// ```
/// use cloakroom_tower::{Session, SessionError};
///
/// async fn greet(session: Option<Session>) -> Result<String, SessionError> {
///     let user = session.and_then(|session| session.user());
///     Ok(format!("hello {}", user.as_deref().unwrap_or("stranger")))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(greet));
/// ```
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, SessionError> {
        let session = <Self as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(Some(session).filter(|session| !session.is_new()))
    }
}

/// The session, loaded only when the handler asks for it; for handlers that may not need it.
///
/// ```
/// use axum::extract::Path;
/// use cloakroom_tower::{LazySession, SessionError};
///
/// async fn page(Path(page): Path<String>, session: LazySession) -> Result<String, SessionError> {
///     if page == "imprint" {
///         return Ok("no store trip was made".into());
///     }
///     let session = session.load().await?;
///     Ok(format!("hello {}", session.user().unwrap_or_default()))
/// }
/// # let _: axum::Router = axum::Router::new().route("/{page}", axum::routing::get(page));
/// ```
#[derive(Clone, Debug)]
pub struct LazySession {
    pending: RequestSession,
    device: Option<HeaderValue>,
}

impl LazySession {
    /// Makes one outside of axum's extractors, as a service does. The `User-Agent` names the device of a user who logs in.
    pub const fn new(session: RequestSession, user_agent: Option<HeaderValue>) -> Self {
        Self { pending: session, device: user_agent }
    }

    /// Loads the session, once in a request.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn load(&self) -> Result<Session, SessionError> {
        let session = self.pending.load().await?;
        session.suggest_device(|| self.device.as_ref().map(HeaderValue::as_bytes));
        Ok(Session(session))
    }

    /// Looks at the session without using it: see [`RequestSession::peek`]. For pages that poll.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub async fn peek(&self) -> Result<Option<cloakroom::SessionView>, SessionError> {
        Ok(self.pending.peek().await?)
    }
}

impl<S: Sync> FromRequestParts<S> for LazySession {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        let pending = pending(parts)?.clone();
        Ok(Self { pending, device: find(&parts.headers, &USER_AGENT).cloned() })
    }
}

impl<S: Sync> FromRequestParts<S> for RequestSessions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let sessions = Self::of(&parts.extensions);
        sessions.note_headers(&Head::of_parts(parts));
        Ok(sessions)
    }
}

/// Finds the session, which is about to be used: so the headers are of interest now.
fn pending(parts: &Parts) -> Result<&RequestSession, SessionError> {
    let pending = parts.extensions.get::<RequestSession>().ok_or(SessionError::NO_LAYER)?;
    pending.note_headers(&Head::of_parts(parts));
    Ok(pending)
}

/// Why a handler did not get its session, or could not use it; `?` makes one of every [`Error`].
///
/// As a response it is the status of the error's kind and one line that tells a client nothing it must not know, or what
/// [`SessionLayer::on_error`](crate::SessionLayer::on_error) returns for it. A handler may return a [`cloakroom::Error`]
/// just as well.
pub struct SessionError(Cause);

#[derive(Debug)]
enum Cause {
    NoLayer,
    Session(Error),
}

impl SessionError {
    /// The route has no session layer, or none of the name.
    pub const NO_LAYER: Self = Self(Cause::NoLayer);

    /// Returns the engine's error; `None` if the route has no [`SessionLayer`](crate::SessionLayer).
    pub fn error(&self) -> Option<&Error> {
        match &self.0 {
            Cause::NoLayer => None,
            Cause::Session(error) => Some(error),
        }
    }

    /// Returns what a caller can do about it; `None` as for [`error`](Self::error).
    pub fn kind(&self) -> Option<ErrorKind> {
        self.error().map(Error::kind)
    }
}

impl From<Error> for SessionError {
    fn from(error: Error) -> Self {
        Self(Cause::Session(error))
    }
}

impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        match self.0 {
            Cause::NoLayer => no_layer(NO_LAYER),
            Cause::Session(error) => error.into_response(),
        }
    }
}

/// Names the cure; it says nothing about a deployment that works.
const NO_LAYER: &str = "This route has no sessions: call `.layer(SessionLayer::new(store))` on the router, \
    after the `.route(..)` of this handler.";

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::NoLayer => f.write_str(NO_LAYER),
            Cause::Session(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error().map(|error| error as _)
    }
}
