//! A session, as the API shows it.

use cloakroom_tower::cloakroom::{Result, Session};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::interpret::Answer;

/// What a request did, and its session afterwards, as it will be saved.
#[derive(Debug, serde::Serialize)]
pub(super) struct Shown {
    results: Vec<Answer>,
    session: View,
}

#[derive(Debug, serde::Serialize)]
struct View {
    exists: bool,
    new: bool,
    /// The public name, from which no id can be made.
    handle: Option<String>,
    user: Option<String>,
    data: Data,
    /// Seconds; of a session that does not exist, what it would have.
    expires_in: f64,
}

/// Values in the order in which they were first inserted, each as it was written.
#[derive(Debug)]
struct Data(Vec<(String, Box<RawValue>)>);

impl Shown {
    pub(super) fn of(session: &Session, results: Vec<Answer>) -> Result<Self> {
        let session = View {
            exists: session.exists(),
            new: session.is_new(),
            handle: session.public_id().map(|handle| handle.to_string()),
            user: session.user(),
            data: Data(session.entries()?),
            expires_in: session.expires_in().as_secs_f64(),
        };
        Ok(Self { results, session })
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}
