#![doc = include_str!("../README.md")]

pub mod adapter;
#[cfg(feature = "axum")]
mod axum;
mod commit;
mod config;
mod cookie;
mod error;
pub mod format;
mod hooks;
mod id;
mod id_check;
mod key_queue;
mod lifetime;
mod listed;
mod load;
mod manager;
mod observe;
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

pub use cloakroom_store as store;
pub use cloakroom_store::{Clock, ManualClock, SystemClock, Timestamp};
pub use config::{Config, ConfigError, OutageFallback, StoreOutage};
pub use cookie::{KeyRing, SameSite, Secure};
pub use error::{Error, ErrorKind, Result};
pub use hooks::HookResult;
pub use id::{PublicId, SessionId};
pub use manager::SessionManager;
pub use observe::{EndReason, Event, ExpiryReason, Observer, Operation, RejectReason, RenewalReason};
pub use proxies::ProxyTrust;
pub use random::{Random, SystemRandom};
pub use request::{
    PlainRequest, RequestHead, RequestInfo, RequestSession, RequestSessions, ResponseUpdate, SessionName,
};
pub use session::{PathRef, Session, SessionCookie, SessionView};
pub use transport::{BearerTransport, HeaderTransport, Transport};
pub use user_sessions::{SessionInfo, UserSessions};
