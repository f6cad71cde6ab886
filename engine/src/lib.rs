#![doc = include_str!("../README.md")]

pub mod adapter;
mod all_sessions;
mod audit;
#[cfg(feature = "axum")]
mod axum;
mod commit;
mod config;
mod cookie;
mod error;
pub mod format;
mod id;
mod key_queue;
mod lifetime;
mod listed;
mod load;
mod manager;
#[cfg(feature = "metrics")]
mod metrics_observer;
mod observe;
mod plan;
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
pub use cloakroom_store as store;
pub use cloakroom_store::{Clock, ManualClock, SystemClock, Timestamp};
pub use config::{Config, ConfigError, OutageFallback, StoreOutage};
pub use cookie::{KeyRing, SameSite, Secure};
pub use error::{Error, ErrorKind, Result};
pub use id::{PublicId, SessionId};
pub use manager::SessionManager;
#[cfg(feature = "metrics")]
pub use metrics_observer::Metrics;
pub use observe::{
    EndReason, Event, ExpiryReason, Measurement, Observer, Operation, RejectReason, RenewalReason,
};
pub use random::{Random, SystemRandom};
pub use request::{PlainRequest, RequestHead, RequestSession, RequestSessions, ResponseUpdate};
pub use session::{PathRef, Session};
pub use user_sessions::{SessionInfo, UserSessions};
