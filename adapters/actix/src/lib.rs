#![doc = include_str!("../README.md")]

mod csrf;
mod error;
mod extract;
mod future;
mod headers;
mod middleware;
mod named;

pub use cloakroom::{
    self, AllSessions, BearerTransport, Caching, Clock, Config, ConfigError, EndReason, Error, ErrorKind,
    Event, ExpiryReason, FoundSession, HeaderTransport, HookResult, KeyRing, ManualClock, Measurement,
    Observer, Operation, OutageFallback, PAGESHOW_SCRIPT, PathRef, Prefetch, ProxyTrust, PublicId,
    RejectReason, RenewalReason, RequestInfo, RequestSession, SameSite, Secure, SessionCookie, SessionId,
    SessionInfo, SessionManager, SessionName, SessionPage, SessionView, SiteData, StoreOutage, SystemClock,
    Timestamp, Transport, UserSessions, store, stores,
};
pub use csrf::{CsrfMiddleware, CsrfService};
pub use error::{SessionError, status_code};
pub use extract::{LazySession, RequestSessions, Session};
pub use future::SessionFuture;
pub use middleware::{SessionMiddleware, SessionService};
pub use named::Named;
