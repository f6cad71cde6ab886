#![doc = include_str!("../README.md")]
// docs.rs says at each item which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod adapter;
mod all_sessions;
mod audit;
#[cfg(feature = "axum")]
mod axum;
mod commit;
mod config;
mod cookie;
mod endings;
mod error;
pub mod format;
mod hooks;
mod id;
mod id_check;
pub mod key;
mod key_queue;
mod lifetime;
mod listed;
mod load;
mod manager;
#[cfg(feature = "metrics")]
mod metrics_observer;
mod observe;
mod other_session;
mod plan;
mod proxies;
mod random;
mod record;
mod records;
mod request;
mod retry;
mod session;
mod shared_clock;
mod state;
mod store_health;
mod sweep;
mod transport;
mod turn_lock;
mod user_sessions;

/// The stores that need no server, and those that combine two stores.
pub mod stores {
    pub use cloakroom_cached::{CachedStore, CachedStoreBuilder};
    pub use cloakroom_file::{Durability, FileStore, FileStoreBuilder};
    pub use cloakroom_memory::{MemoryStore, MemoryStoreBuilder, Usage};
    pub use cloakroom_migrating::{MigrateOutcome, MigratingStore, Remaining};
}

pub use all_sessions::{AllSessions, FoundSession, SessionPage};
/// A script for pages that a browser keeps for going back: it loads the page again if the session has ended or changed
/// meanwhile, also where no response could tell this browser (a revocation, a log-out on another device).
///
/// Serve it at an address of its own, so that a `Content-Security-Policy` with `script-src 'self'` allows it, and beside it
/// one that answers with the session's state, such as its public id:
///
/// ```
/// use cloakroom::Session;
///
/// /// What `/session-state` answers, and pages hold in `data-state`.
/// fn state(session: Option<&Session>) -> String {
///     session.and_then(Session::public_id).map(|id| id.to_string()).unwrap_or_default()
/// }
///
/// let page = r#"<script src="/pageshow.js" data-check="/session-state" data-state="…"></script>"#;
/// assert!(cloakroom::PAGESHOW_SCRIPT.contains("data-state"));
/// # let _ = (page, state);
/// ```
pub const PAGESHOW_SCRIPT: &str = include_str!("pageshow.js");

pub use cloakroom_store as store;
pub use cloakroom_store::{Clock, ManualClock, SystemClock, Timestamp};
pub use config::{
    Caching, Config, ConfigError, NewerSchema, OutageFallback, Policy, Prefetch, Preset, SiteData,
    StoreOutage,
};
pub use cookie::{KeyRing, SameSite, Secure};
pub use error::{Error, ErrorKind, Result};
pub use hooks::HookResult;
pub use id::{PublicId, SessionId};
pub use key::Key;
pub use manager::SessionManager;
#[cfg(feature = "metrics")]
pub use metrics_observer::Metrics;
pub use observe::{
    EndReason, Event, ExpiryReason, Measurement, Observer, Operation, RejectReason, RenewalReason,
};
pub use proxies::ProxyTrust;
pub use random::{Random, SystemRandom};
pub use request::{
    PlainRequest, RequestField, RequestHead, RequestInfo, RequestSession, RequestSessions, ResponseUpdate,
    SessionName,
};
pub use session::{GoneReason, PathRef, Session, SessionCookie, SessionView, Typed};
pub use transport::{BearerTransport, HeaderTransport, Transport};
pub use user_sessions::{SessionInfo, UserSessions};
