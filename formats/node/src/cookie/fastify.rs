//! The cookie of `@fastify/session`.

use super::express::{checked_name, judge};
use super::{Attributes, CookieError, Presented, header, signature::Signer};
use std::fmt;

/// The cookie of `@fastify/session` 11, by default `sessionId`: signed as Express does, but not percent-encoded, and
/// prefixed only where the option `cookiePrefix` says so (`s:` for cookies that Express reads too).
///
/// ```
/// use cloakroom_node::cookie::{Attributes, FastifyCookie};
///
/// let cookie = FastifyCookie::new("sessionId", "", ["a secret of 32 characters or more"])?;
/// let header = cookie.write("apple", &Attributes::default(), 0)?;
/// assert!(header.starts_with("sessionId=apple."));
/// # Ok::<(), cloakroom_node::cookie::CookieError>(())
/// ```
pub struct FastifyCookie {
    name: String,
    prefix: String,
    signer: Signer,
}

impl FastifyCookie {
    /// Configures the cookie. The first secret signs, all of them verify.
    ///
    /// # Errors
    /// [`CookieError::Name`], [`CookieError::Secret`], and [`CookieError::Value`] for a prefix that is not allowed in
    /// a cookie.
    pub fn new(
        name: impl Into<String>,
        prefix: impl Into<String>,
        secrets: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<Self, CookieError> {
        let prefix = prefix.into();
        if !is_value(&prefix) {
            return Err(CookieError::Value);
        }
        Ok(Self { name: checked_name(name.into())?, prefix, signer: Signer::new(secrets)? })
    }

    /// Returns the cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the session id from the `Cookie` headers of a request.
    pub fn read<'h>(&self, headers: impl IntoIterator<Item = &'h [u8]>) -> Presented {
        judge(&self.signer, &self.prefix, header::get(headers, &self.name))
    }

    /// Writes a `Set-Cookie` header. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// [`CookieError::Value`] for an id with characters that a cookie cannot have, [`CookieError::Path`] and
    /// [`CookieError::Domain`].
    pub fn write(&self, sid: &str, attributes: &Attributes, now: i64) -> Result<String, CookieError> {
        if !is_value(sid) {
            return Err(CookieError::Value);
        }
        let mut header = [&self.name, "=", &self.signer.sign(&self.prefix, sid)].concat();
        attributes.write_as_cookie(&mut header, now)?;
        Ok(header)
    }
}

impl fmt::Debug for FastifyCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, prefix, signer } = self;
        write!(f, "FastifyCookie {{ name: {name:?}, prefix: {prefix:?}, secrets: {} }}", signer.len())
    }
}

/// Returns whether a text can be a cookie's value without encoding. `%` is refused, because reading would decode it.
fn is_value(text: &str) -> bool {
    text.bytes()
        .all(|b| matches!(b, b'!' | b'#'..=b'+' | b'-'..=b':' | b'<'..=b'[' | b']'..=b'~') && b != b'%')
}

#[cfg(test)]
mod tests {
    use super::{Attributes, CookieError, FastifyCookie, Presented};
    use proptest::prelude::proptest;

    #[test]
    fn what_would_not_read_back_is_refused() {
        let cookie = FastifyCookie::new("sid", "", ["k"]).unwrap();
        for sid in ["a;b", "a b", "a,b", "é", "%41", "\"", "\r\n"] {
            assert_eq!(cookie.write(sid, &Attributes::default(), 0), Err(CookieError::Value), "{sid}");
        }
        assert_eq!(FastifyCookie::new("sid", ";", ["k"]).unwrap_err(), CookieError::Value);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(sid in "[!-~]+", prefix in "(s:)?") {
            let cookie = FastifyCookie::new("sid", prefix, ["k"]).unwrap();
            if let Ok(header) = cookie.write(&sid, &Attributes::default(), 0) {
                let pair = header.strip_suffix("; Path=/; HttpOnly").unwrap();
                assert_eq!(cookie.read([pair.as_bytes()]), Presented::Signed { sid, key: 0 });
            }
        }
    }
}
