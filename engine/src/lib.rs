#![doc = include_str!("../README.md")]

pub mod adapter;
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
pub mod stores;
mod sweep;
mod turn_lock;
mod user_sessions;

pub use cloakroom_store as store;
pub use cloakroom_store::{Clock, ManualClock, SystemClock, Timestamp};
pub use config::{Config, ConfigError, OutageFallback, StoreOutage};
pub use cookie::{KeyRing, SameSite, Secure};
pub use error::{Error, ErrorKind, Result};
pub use id::{PublicId, SessionId};
pub use manager::SessionManager;
pub use observe::{EndReason, Event, ExpiryReason, Observer, Operation, RejectReason, RenewalReason};
pub use random::{Random, SystemRandom};
pub use request::{PlainRequest, RequestHead, RequestSession, RequestSessions, ResponseUpdate};
pub use session::{PathRef, Session};
pub use user_sessions::{SessionInfo, UserSessions};
