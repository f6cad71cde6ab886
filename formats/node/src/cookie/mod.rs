//! The cookies: how each package writes, signs and reads the session id.
//!
//! | package | type | on the wire |
//! |---|---|---|
//! | express-session | [`ExpressCookie`] | `s:` + id + `.` + base64 of HMAC-SHA256, percent-encoded |
//! | `@fastify/session` | [`FastifyCookie`] | the same, neither prefixed (unless told) nor encoded |
//! | node-session | [`NodeSessionCookie`] | as express-session; other attributes |
//! | koa-generic-session, koa-session, `@socialtables/session` | [`KoaCookie`] | the id alone, and a second cookie `name.sig` |
//!
//! Every type checks the signature in constant time and signs with its first secret. The result is a [`Presented`].

mod attributes;
mod express;
mod fastify;
mod header;
mod koa;
mod node_session;
mod signature;
mod uri;

pub use attributes::{Attributes, Priority, SameSite};
pub use express::ExpressCookie;
pub use fastify::FastifyCookie;
pub use header::get;
pub use koa::{KoaCookie, KoaEncoding, KoaHash};
pub use node_session::NodeSessionCookie;
pub use uri::{decode_uri_component, encode_uri_component};

use std::{error, fmt};

/// Makes a session id of random bytes: base64url without padding, as the package uid-safe does.
///
/// Express and Koa use 24 bytes (32 characters), node-session 30 (40 characters).
///
/// ```
/// assert_eq!(cloakroom_node::cookie::session_id(&[0xff; 24]), "_".repeat(32));
/// ```
pub fn session_id(random: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(random)
}

/// The session cookie of a request, as far as it can be trusted. `Debug` never shows the id.
#[derive(Clone, PartialEq, Eq)]
pub enum Presented {
    /// There is no cookie of this name, or it is empty.
    Absent,
    /// The cookie has no signature: start a new session.
    Unsigned,
    /// No secret verifies the signature: start a new session. Koa also deletes the signature's cookie.
    Forged,
    /// One of the secrets verifies the session id.
    Signed {
        /// The id.
        sid: String,
        /// The index of the secret. If it is not 0, Koa signs again at once; Express with its next `Set-Cookie`.
        key: usize,
    },
}

impl Presented {
    /// Returns the session id, if it is verified.
    pub fn into_sid(self) -> Option<String> {
        match self {
            Self::Signed { sid, .. } => Some(sid),
            _ => None,
        }
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Unsigned => f.write_str("Unsigned"),
            Self::Forged => f.write_str("Forged"),
            Self::Signed { key, .. } => write!(f, "Signed {{ sid: .., key: {key} }}"),
        }
    }
}

/// Tells why a cookie cannot be configured or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieError {
    /// There is no secret, or an empty one; Express answers 500 then.
    Secret,
    /// The name is not an HTTP token.
    Name,
    /// The id has a character that is not allowed in a cookie, and this package does not encode ids.
    Value,
    /// The `domain` attribute is not a domain name.
    Domain,
    /// The `path` attribute has a control character, a `;` or a `<`, or is not ASCII.
    Path,
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "no secret for signing cookies",
            Self::Name => "invalid cookie name",
            Self::Value => "invalid cookie value",
            Self::Domain => "invalid cookie domain",
            Self::Path => "invalid cookie path",
        })
    }
}

impl error::Error for CookieError {}
