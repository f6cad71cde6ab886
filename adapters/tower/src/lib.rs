#![doc = include_str!("../README.md")]
// docs.rs says at each item which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod body;
#[cfg(feature = "axum")]
mod boxed;
mod csrf;
mod fresh;
mod future;
mod gate;
mod handshake;
mod layer;
#[cfg(feature = "axum")]
mod named;
mod nested;
mod response;
mod service;
mod session;
#[cfg(feature = "axum")]
mod typed;

#[cfg(feature = "axum")]
pub use axum::{LazySession, SessionError};
#[cfg(feature = "axum")]
pub use boxed::{BoxedBodyFuture, BoxedBodyLayer, BoxedBodyService};
pub use cloakroom::{
    self, AllSessions, BearerTransport, Caching, Clock, Config, ConfigError, EndReason, Error, ErrorKind,
    Event, ExpiryReason, FoundSession, GoneReason, HeaderTransport, HookResult, Key, KeyRing, ManualClock,
    Measurement, NewerSchema, Observer, Operation, OutageFallback, PAGESHOW_SCRIPT, PathRef, Policy,
    Prefetch, Preset, ProxyTrust, PublicId, RejectReason, RenewalReason, RequestInfo, RequestSession,
    SameSite, Secure, SessionCookie, SessionId, SessionInfo, SessionManager, SessionName, SessionPage,
    SessionView, SiteData, StoreOutage, SystemClock, Timestamp, Transport, UserSessions, store, stores,
};
pub use csrf::{CsrfFuture, CsrfLayer, CsrfService};
pub use fresh::{FreshFuture, FreshLayer, FreshService};
pub use future::ResponseFuture;
pub use layer::SessionLayer;
#[cfg(feature = "axum")]
pub use named::Named;
pub use nested::RequestSessions;
pub use response::{FailedRequest, IntoErrorResponse, status_code};
pub use service::{PeerAddress, SessionService};
pub use session::Session;
#[cfg(feature = "axum")]
pub use typed::Typed;
