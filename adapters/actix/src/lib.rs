#![doc = include_str!("../README.md")]

mod csrf;
mod error;
mod extract;
mod future;
mod headers;
mod middleware;
mod named;

pub use cloakroom::{self, *};
pub use csrf::{CsrfMiddleware, CsrfService};
pub use error::{SessionError, status_code};
pub use extract::{LazySession, RequestSessions, Session};
pub use future::SessionFuture;
pub use middleware::{SessionMiddleware, SessionService};
pub use named::Named;
