//! Values as JSON, for adapters that keep them elsewhere than in a store: with the rules and the errors of a session.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::state::json::{from_json, to_json};
use crate::{Error, ErrorKind, Result};

/// Writes the value of a key.
///
/// # Errors
/// [`Encode`](crate::ErrorKind::Encode), as for [`Session::insert`](crate::Session::insert).
pub fn value_to_json(key: &str, value: &impl Serialize) -> Result<String> {
    let json = to_json(key, 0, value)?;
    String::from_utf8(json.into()).map_err(|_| {
        Error::new(ErrorKind::Encode, format!("the value for {key:?} cannot be written as JSON"))
    })
}

/// Reads the value of a key.
///
/// # Errors
/// [`Decode`](crate::ErrorKind::Decode), as for [`Session::get`](crate::Session::get).
pub fn value_from_json<T: DeserializeOwned>(key: &str, json: &str) -> Result<T> {
    from_json(key, json.as_bytes())
}
