//! The session as a type of the application's, in a handler's arguments.

use std::ops::{Deref, DerefMut};

use axum_core::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Session, SessionError};

/// The session of the request as a struct of the application's: its fields are the session's values, and
/// [`change`](cloakroom::Typed::change) writes those that it has changed. See [`cloakroom::Session::typed`].
///
/// ```
/// use cloakroom_tower::{SessionError, Typed};
///
/// #[derive(Default, serde::Serialize, serde::Deserialize)]
/// struct Visit {
///     theme: Option<String>,
///     cart: Vec<String>,
/// }
///
/// async fn add(mut visit: Typed<Visit>) -> Result<String, SessionError> {
///     visit.change(|visit| visit.cart.push("coat".into()))?;
///     Ok(visit.cart.join(", "))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::post(add));
/// ```
#[derive(Debug)]
pub struct Typed<T>(cloakroom::Typed<T>);

impl<T> From<cloakroom::Typed<T>> for Typed<T> {
    /// Wraps it, for unit tests of handlers.
    fn from(typed: cloakroom::Typed<T>) -> Self {
        Self(typed)
    }
}

impl<T> Deref for Typed<T> {
    type Target = cloakroom::Typed<T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for Typed<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<S: Sync, T: Serialize + DeserializeOwned + Default> FromRequestParts<S> for Typed<T> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, SessionError> {
        let session = <Session as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(Self(session.typed()?))
    }
}
