//! What is in the field `session`: a string, or a document, as connect-mongo's option `stringify` says.

mod read;
mod write;

use cloakroom_store::{Error, ErrorKind, Result};
use mongodb::bson::Bson;

/// How sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As strings.
    Text,
    /// As documents, whose values are those of JSON, dates and object ids.
    Document,
}

impl Form {
    /// Returns the text of a session.
    pub(super) fn read(self, session: &Bson) -> Result<String> {
        match (self, session) {
            (Self::Text, Bson::String(text)) => Ok(text.clone()),
            (Self::Document, Bson::Document(_)) => read::text_of(session),
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
        }
    }
}

fn setup(message: &'static str) -> Error {
    Error::new(ErrorKind::Setup, message)
}

#[cfg(test)]
mod tests;
