#![doc = include_str!("../README.md")]

#[cfg(feature = "axum")]
mod axum;
mod body;
#[cfg(feature = "axum")]
mod boxed;
mod csrf;
mod future;
mod handshake;
mod headers;
mod layer;
mod nested;
mod response;
mod service;
mod session;

#[cfg(feature = "axum")]
pub use axum::{LazySession, SessionError};
#[cfg(feature = "axum")]
pub use boxed::{BoxedBodyFuture, BoxedBodyLayer, BoxedBodyService};
pub use cloakroom::{
    self, Clock, Config, ConfigError, EndReason, Error, ErrorKind, Event, ExpiryReason, KeyRing, ManualClock,
    Observer, Operation, OutageFallback, PathRef, PublicId, RejectReason, RenewalReason, RequestSession,
    SameSite, Secure, SessionId, SessionInfo, SessionManager, StoreOutage, SystemClock, Timestamp,
    UserSessions, store, stores,
};
pub use csrf::{CsrfFuture, CsrfLayer, CsrfService};
pub use future::ResponseFuture;
pub use layer::SessionLayer;
pub use nested::RequestSessions;
pub use response::{FailedRequest, IntoErrorResponse, status_code};
pub use service::SessionService;
pub use session::Session;
