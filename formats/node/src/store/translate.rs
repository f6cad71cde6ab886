//! What every body format does.

use std::fmt;

use cloakroom::format::{Facts, Members};
use cloakroom::store::{Body, Bytes, Owner, Record, Result};

/// Translates between the bodies of a package and payloads of our own format.
pub(crate) trait Translate: fmt::Debug + Send + Sync + 'static {
    /// Reads a body; `None` if it says that there is no session.
    ///
    /// A body that cannot be read is handed on as it is: the engine then leaves it alone, and the request is anonymous.
    fn read(&self, id: &str, body: &Body) -> Option<Read>;

    /// Writes the body of a session.
    fn write(&self, facts: &Facts, members: &Members, record: &Record) -> Result<Vec<u8>>;

    /// Writes a body that keeps the payload of what is not a session: of a redirect, or of a mark of a migration.
    fn write_other(&self, payload: &[u8], record: &Record) -> Result<Vec<u8>>;
}

/// What was read of a body.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) payload: Bytes,
    pub(crate) sliding: bool,
    pub(crate) owner: Option<Owner>,
}

impl Read {
    /// Hands on a body that cannot be read.
    pub(crate) fn unreadable(body: &Body) -> Self {
        // No payload of ours begins with a zero.
        let payload = [b"\0", &body.bytes[..]].concat().into();
        Self { payload, sliding: true, owner: None }
    }
}
