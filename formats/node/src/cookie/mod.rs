//! The cookies: how each package writes, signs and reads the session id.
//!
//! | package | type | on the wire |
//! |---|---|---|
//! | express-session | [`ExpressCookie`] | `s:` + id + `.` + base64 of HMAC-SHA256, percent-encoded |
//! | `@fastify/session` | [`FastifyCookie`] | the same, neither prefixed (unless told) nor encoded |
//! | node-session | [`NodeSessionCookie`] | as express-session; other attributes |
//! | koa-generic-session, koa-session, `@socialtables/session` | [`KoaCookie`] | the id alone, and a second cookie `name.sig` |
//!
//! Every type checks the signature in constant time and signs with its first secret. What it found is a [`Presented`].

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

/// What a request presented. `Debug` never shows the id.
#[derive(Clone, PartialEq, Eq)]
pub enum Presented {
    /// No cookie of this name, or an empty one.
    Absent,
    /// A cookie without a signature: a new session begins.
    Unsigned,
    /// A cookie whose signature no secret made: a new session begins, and Koa clears the signature's cookie.
    Forged,
    /// A session id that one of the secrets signed.
    Signed {
        /// The id.
        sid: String,
        /// Which secret signed it, from 0. With another than 0, Koa signs anew; Express waits for its next cookie.
        key: usize,
    },
}

impl Presented {
    /// Returns the session id, if the signature was good.
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

/// Why a cookie cannot be set up or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieError {
    /// No secret, or an empty one, which Express refuses with a 500.
    Secret,
    /// The name has a character that a cookie's name cannot have.
    Name,
    /// The id has a character that this package does not encode and that a cookie cannot have.
    Value,
    /// The `domain` attribute is not a domain name.
    Domain,
    /// The `path` attribute has a control character, a `;` or a `<`, or is not ASCII.
    Path,
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "no secret to sign cookies with",
            Self::Name => "not a name for a cookie",
            Self::Value => "not a value for a cookie",
            Self::Domain => "not a domain for a cookie",
            Self::Path => "not a path for a cookie",
        })
    }
}

impl error::Error for CookieError {}
