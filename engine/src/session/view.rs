//! A session to look at.

use std::fmt;
use std::time::Duration;

use cloakroom_store::Timestamp;
use serde::de::DeserializeOwned;

use super::Session;
use crate::key::{KeyOf, SessionKey};
use crate::{PublicId, Result};

/// A session to look at, without a way to change it.
///
/// A function that was given one may use it while it runs; afterwards it reads as an empty session.
#[derive(Clone)]
pub struct SessionView(pub(crate) Session);

impl SessionView {
    /// Reads a value; see [`Session::get`].
    ///
    /// # Errors
    /// As there.
    pub fn get<T: DeserializeOwned>(&self, key: impl KeyOf<T>) -> Result<Option<T>> {
        self.0.get(key)
    }

    /// Reads a value, or returns `default` if the key is absent; see [`Session::get_or`].
    ///
    /// # Errors
    /// As there.
    pub fn get_or<T: DeserializeOwned>(&self, key: impl KeyOf<T>, default: T) -> Result<T> {
        self.0.get_or(key, default)
    }

    /// Reads what is at a path, such as `user.teams.0`; see [`Session::path`].
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn get_path<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        self.0.path(path).get()
    }

    /// Returns whether there is a value; see [`Session::contains`].
    pub fn contains(&self, key: impl SessionKey) -> bool {
        self.0.contains(key)
    }

    /// Returns all keys and values; see [`Session::entries`].
    ///
    /// # Errors
    /// As there.
    pub fn entries<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>> {
        self.0.entries()
    }

    /// Returns the user who is logged in.
    pub fn user(&self) -> Option<String> {
        self.0.user()
    }

    /// Returns when the user last proved who they are; see [`Session::authenticated_at`].
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.0.authenticated_at()
    }

    /// Returns when the session began, or its user last logged in.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.0.started_at()
    }

    /// Returns how long the session lives on if it is not used again.
    pub fn expires_in(&self) -> Duration {
        self.0.expires_in()
    }

    /// Returns the public name of the session, if it exists.
    pub fn public_id(&self) -> Option<PublicId> {
        self.0.public_id()
    }
}

impl fmt::Debug for SessionView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionView(..)")
    }
}
