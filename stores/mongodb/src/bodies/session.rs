//! What a document has of a session: in connect-mongo's field `session` a string, or a document, as its option `stringify`
//! says; in node-session's field `payload` a string whose content is a string of JSON.

mod read;
mod write;

use std::time::Duration;

use cloakroom_store::{Error, ErrorKind, Result};
use mongodb::bson::Bson;

/// How sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As strings.
    Text,
    /// As documents, whose values are those of JSON, dates and object ids.
    Document,
    /// As strings of JSON in a string, with the last use beside them: node-session's.
    Payload {
        /// How long a session lives after its last use.
        lifetime: Duration,
    },
}

impl Form {
    /// Returns the field of the session.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Text | Self::Document => "session",
            Self::Payload { .. } => "payload",
        }
    }

    /// Returns the field that tells when it expires.
    pub(super) const fn time(self) -> &'static str {
        match self {
            Self::Text | Self::Document => "expires",
            Self::Payload { .. } => "lastActivity",
        }
    }

    /// Returns the text of a session.
    pub(super) fn read(self, session: &Bson) -> Result<String> {
        match (self, session) {
            (Self::Text, Bson::String(text)) => Ok(text.clone()),
            (Self::Document, Bson::Document(_)) => read::text_of(session),
            // node-session reads a value that is not a JSON string, too.
            (Self::Payload { .. }, Bson::String(stored)) => {
                let is_string = stored.trim_ascii_start().starts_with('"');
                let body = if is_string { serde_json::from_str(stored).ok() } else { None };
                Ok(body.unwrap_or_else(|| stored.clone()))
            }
            (Self::Payload { .. }, _) => Err(Error::new(ErrorKind::Corrupt, "a payload is not a string")),
            (Self::Text, _) => Err(setup(
                "a session is not a string; is connect-mongo's option stringify false? see Builder::stringify",
            )),
            (Self::Document, _) => Err(setup(
                "a session is not a document; is connect-mongo's option stringify not false? see Builder::stringify",
            )),
        }
    }

    /// Makes a session of a text. What the text says as the session before it did keeps its type.
    pub(super) fn write(self, text: &str, before: Option<&Bson>) -> Result<Bson> {
        match self {
            Self::Text => Ok(text.into()),
            Self::Document => write::session(text, before),
            Self::Payload { .. } => match serde_json::to_string(text) {
                Ok(stored) => Ok(stored.into()),
                Err(_) => Err(Error::new(ErrorKind::Invalid, "a body cannot be written as a string")),
            },
        }
    }
}

fn setup(message: &'static str) -> Error {
    Error::new(ErrorKind::Setup, message)
}

#[cfg(test)]
mod tests;
