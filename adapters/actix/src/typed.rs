//! The session as a type of the application's, in a handler's arguments.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Session, SessionError};

/// The session of the request as a struct of the application's: its fields are the session's values, and
/// [`change`](cloakroom::Typed::change) writes those that it has changed. See [`cloakroom::Session::typed`].
///
/// ```
/// use cloakroom_actix::{SessionError, Typed};
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
/// # let _ = actix_web::App::new().route("/", actix_web::web::post().to(add));
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

impl<T: Serialize + DeserializeOwned + Default + 'static> FromRequest for Typed<T> {
    type Error = SessionError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, SessionError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = Session::from_request(request, payload);
        Box::pin(async move { Ok(Self(session.await?.typed()?)) })
    }
}
