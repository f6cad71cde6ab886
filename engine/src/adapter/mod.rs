//! For adapters of web frameworks: the decisions that all of them share, without a framework's types.
//!
//! An adapter calls [`SessionManager::begin`](crate::SessionManager::begin) with the request's head, and
//! [`RequestSession::note_headers`](crate::RequestSession::note_headers) when the handler asks for the session; it lets the
//! handler run, asks [`RequestSession::try_finish`](crate::RequestSession::try_finish) or
//! [`commit`](crate::RequestSession::commit), and hands what they return to [`write_headers`]. Requests that are dropped
//! before their response are reported by [`RequestSession::unanswered`](crate::RequestSession::unanswered).

mod caching;
mod cookies;
mod handshake;
#[cfg(feature = "http")]
mod header_map;
mod response_headers;
mod values;
mod warnings;

pub use cookies::{CookieTemplate, cookie_values};
pub use handshake::Handshake;
pub use response_headers::{
    HeaderField, HeaderText, ResponseHeaders, answer_outage, answers_outages_as_usual, forbid_storing,
    keep_private, set_cookies, write_headers,
};
pub use values::{value_from_json, value_to_json};
pub use warnings::Warnings;

/// Whether shared caches may store a response that used its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharing {
    /// They may not.
    Private,
    /// The application said that they may.
    Shared,
}
