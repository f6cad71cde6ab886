#![doc = include_str!("../README.md")]

mod csrf;
mod error;
mod extract;
mod future;
mod headers;
mod middleware;

pub use cloakroom::{
    self, Clock, Config, ConfigError, EndReason, Error, ErrorKind, Event, ExpiryReason, KeyRing, ManualClock,
    Observer, Operation, OutageFallback, PathRef, PublicId, RejectReason, RenewalReason, RequestSession,
    SameSite, Secure, SessionId, SessionInfo, SessionManager, StoreOutage, SystemClock, Timestamp,
    UserSessions, store, stores,
};
pub use csrf::{CsrfMiddleware, CsrfService};
pub use error::{SessionError, status_code};
pub use extract::{LazySession, RequestSessions, Session};
pub use future::SessionFuture;
pub use middleware::{SessionMiddleware, SessionService};
