//! The cookie of node-session.

use super::express::{checked_name, judge};
use super::{Attributes, CookieError, Presented, header, signature::Signer, uri::encode_uri_component};
use std::fmt;

/// The cookie of node-session 1.x and node-session2, by default `node_session`: the value is that of Express, the
/// attributes are those of an older library, and an id has 40 characters. The package supports one secret. Here more
/// are accepted for rotation; the first signs.
///
/// ```
/// use cloakroom_node::cookie::{Attributes, NodeSessionCookie};
///
/// let cookie = NodeSessionCookie::new("node_session", ["a secret"])?;
/// let five_minutes = Attributes { max_age: Some(300_000), ..Attributes::default() };
/// let header = cookie.write(&"a".repeat(40), &five_minutes, 0)?;
/// assert!(header.ends_with("; Max-Age=300; Path=/; Expires=Thu, 01 Jan 1970 00:05:00 GMT; HttpOnly"));
/// # Ok::<(), cloakroom_node::cookie::CookieError>(())
/// ```
pub struct NodeSessionCookie {
    name: String,
    signer: Signer,
}

impl NodeSessionCookie {
    /// Configures the cookie. The first secret signs, all of them verify.
    ///
    /// # Errors
    /// [`CookieError::Name`], and [`CookieError::Secret`] if there is no secret or an empty one.
    pub fn new(
        name: impl Into<String>,
        secrets: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<Self, CookieError> {
        Ok(Self { name: checked_name(name.into())?, signer: Signer::new(secrets)? })
    }

    /// Returns the cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the session id from the `Cookie` headers of a request. A verified id that node-session does not accept
    /// ([`is_session_id`](crate::node_session::is_session_id)) is [`Presented::Forged`]: the package makes a new one.
    pub fn read<'h>(&self, headers: impl IntoIterator<Item = &'h [u8]>) -> Presented {
        match judge(&self.signer, "s:", header::get_by_0_1(headers, &self.name)) {
            Presented::Signed { sid, .. } if !crate::node_session::is_session_id(&sid) => Presented::Forged,
            presented => presented,
        }
    }

    /// Writes a `Set-Cookie` header. `now` is in milliseconds since 1970; without a lifetime (`expireOnClose`)
    /// neither `Max-Age` nor `Expires` is written. The package does not support `SameSite`, `Partitioned` and
    /// `Priority`. A lifetime with a fraction of a second makes a `Max-Age` with a fraction, as in the package;
    /// browsers ignore that and use `Expires`.
    ///
    /// # Errors
    /// [`CookieError::Path`] and [`CookieError::Domain`].
    pub fn write(&self, sid: &str, attributes: &Attributes, now: i64) -> Result<String, CookieError> {
        let signed = self.signer.sign("s:", sid);
        let mut header = [&self.name, "=", &encode_uri_component(&signed)].concat();
        attributes.write_as_cookie_0_1(&mut header, now)?;
        Ok(header)
    }
}

impl fmt::Debug for NodeSessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeSessionCookie {{ name: {:?}, secrets: {} }}", self.name, self.signer.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Attributes, NodeSessionCookie, Presented};
    use proptest::prelude::proptest;

    #[test]
    fn a_signed_id_of_another_length_is_refused() {
        let cookie = NodeSessionCookie::new("sid", ["k"]).unwrap();
        let header = cookie.write(&"a".repeat(39), &Attributes::default(), 0).unwrap();
        let pair = header.split(';').next().unwrap();
        assert_eq!(cookie.read([pair.as_bytes()]), Presented::Forged);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(sid in "[A-Za-z0-9_-]{40}", secret in ".+") {
            let cookie = NodeSessionCookie::new("sid", [&secret]).unwrap();
            let header = cookie.write(&sid, &Attributes::default(), 0).unwrap();
            let pair = header.split(';').next().unwrap();
            assert_eq!(cookie.read([pair.as_bytes()]), Presented::Signed { sid, key: 0 });
        }
    }
}
