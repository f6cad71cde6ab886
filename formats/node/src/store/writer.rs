//! What both body formats need to write.

use cloakroom::store::{Error, ErrorKind, Owner, Result};

use super::own_state;

/// Writes the members of an object.
pub(super) struct MemberWriter<'a> {
    out: &'a mut String,
}

impl<'a> MemberWriter<'a> {
    pub(super) fn new(out: &'a mut String) -> Self {
        out.push('{');
        Self { out }
    }

    /// Adds a member whose name is JSON already.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        self.out.push_str(name);
        self.out.push(':');
        self.out.push_str(value);
    }

    pub(super) fn finish(self) {
        self.out.push('}');
    }
}

/// Returns a value's text.
pub(super) fn text_of(value: &[u8]) -> Result<&str> {
    std::str::from_utf8(value).map_err(|_| Error::new(ErrorKind::Invalid, "a value is no text"))
}

pub(super) fn owner_text(owner: &Owner) -> Result<&str> {
    owner.key.as_str().ok_or_else(|| Error::new(ErrorKind::Invalid, "a user's name is no text"))
}

/// Returns the name of our own member, as JSON.
pub(super) fn own_name() -> String {
    format!("\"{}\"", own_state::KEY)
}
