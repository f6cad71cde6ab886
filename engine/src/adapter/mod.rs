//! For adapters of web frameworks: the decisions that all of them share, without a framework's types.
//!
//! An adapter calls [`SessionManager::begin`](crate::SessionManager::begin) with the request's head, lets the handler
//! run, asks [`RequestSession::try_finish`](crate::RequestSession::try_finish) or
//! [`commit`](crate::RequestSession::commit), and hands what they return to [`write_headers`]. Requests that are dropped
//! before their response are reported by [`RequestSession::unanswered`](crate::RequestSession::unanswered).

mod caching;
mod handshake;
mod response_headers;
mod warnings;

pub use handshake::Handshake;
pub use response_headers::{HeaderField, ResponseHeaders, forbid_storing, write_headers};
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
