//! The interface for session formats of other packages: Express, Koa, NodeSession.
//!
//! A format has two halves, and an engine with neither pays for neither.
//!
//! - A [`CookieFormat`] reads ids from cookies and writes the cookies that hand them out. It is an option,
//!   [`Config::cookie_format`](crate::Config::cookie_format).
//! - A store of the other package's layout translates between its bytes and a [`Payload`]: what a session knows about
//!   itself ([`Facts`]), and its values as slices of JSON that are not decoded.
//!
//! The keys of such a store are the ids themselves, as the other packages use them.

mod cookie;
mod payload;

pub use cookie::{CookieFormat, FirstMember, FoundIds, IssuedCookie};
pub use payload::{Facts, Member, MemberKind, Members, Payload, PayloadBuilder, Redirect};
