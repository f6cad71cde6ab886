#![doc = include_str!("../README.md")]

mod csrf;
mod error;
mod extract;
mod fresh;
mod future;
mod headers;
mod middleware;
mod named;
mod typed;

pub use cloakroom::{
    self, AllSessions, BearerTransport, Caching, Clock, Config, ConfigError, EndReason, Error, ErrorKind,
    Event, ExpiryReason, FoundSession, GoneReason, HeaderTransport, HookResult, Key, KeyRing, ManualClock,
    Measurement, NewerSchema, Observer, Operation, OutageFallback, PAGESHOW_SCRIPT, PathRef, Policy,
    Prefetch, Preset, ProxyTrust, PublicId, RejectReason, RenewalReason, RequestInfo, RequestSession,
    SameSite, Secure, SessionCookie, SessionId, SessionInfo, SessionManager, SessionName, SessionPage,
    SessionView, SiteData, StoreOutage, SystemClock, Timestamp, Transport, UserSessions, store, stores,
};
pub use csrf::{CsrfMiddleware, CsrfService};
pub use error::{SessionError, status_code};
pub use extract::{LazySession, RequestSessions, Session};
pub use fresh::{FreshMiddleware, FreshService};
pub use future::SessionFuture;
pub use middleware::{SessionMiddleware, SessionService};
pub use named::Named;
pub use typed::Typed;
