//! The bodies: the JSON text that a store keeps for a session. An [`Object`] is the text split into members.
//! Untouched members are written back byte for byte, including values that other JSON libraries change or refuse:
//! lone surrogates, `-0`, numbers past 2^53, deep nesting. A [`StoredCookie`] is the member `cookie` that every
//! package but node-session and koa-session keeps. [`is_reserved`] tells the keys that express-session would lose.

mod dialect;
mod error;
mod extras;
mod fingerprint;
mod nesting;
mod object;
mod plain;
mod reader;
mod reserved;
mod scan;
mod stored_cookie;
mod text;

pub use dialect::Dialect;
pub use error::BodyError;
pub use extras::{
    LAST_ACCESS, LAST_MODIFIED, TOMBSTONE, is_tombstone, last_access, last_modified, set_last_access,
    set_last_modified,
};
pub use object::{Member, Name, Object};
pub use reserved::{RESERVED, is_reserved};
pub use scan::{MAX_BYTES, Span, spans};
pub use stored_cookie::StoredCookie;
pub use text::Json;

pub(crate) use text::push_string;
