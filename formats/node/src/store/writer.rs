//! What both body formats need to write.

use cloakroom::store::{Error, ErrorKind, Owner, Result};

use crate::body::push_string;

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
        self.begin(name).push_str(value);
    }

    /// Adds a member whose name is text.
    pub(super) fn add_text(&mut self, name: &str, value: &str) {
        self.separate();
        push_string(self.out, name);
        self.out.push(':');
        self.out.push_str(value);
    }

    /// Begins a member whose name is JSON already. The value is to be appended to what is returned.
    pub(super) fn begin(&mut self, name: &str) -> &mut String {
        self.separate();
        self.out.push_str(name);
        self.out.push(':');
        self.out
    }

    fn separate(&mut self) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
    }

    pub(super) fn finish(self) {
        self.out.push('}');
    }
}

/// Returns a value's text.
pub(super) fn text_of(value: &[u8]) -> Result<&str> {
    std::str::from_utf8(value).map_err(|_| Error::new(ErrorKind::Invalid, "a value is not UTF-8"))
}

pub(super) fn owner_text(owner: &Owner) -> Result<&str> {
    owner.key.as_str().ok_or_else(|| Error::new(ErrorKind::Invalid, "a user's name is not UTF-8"))
}
