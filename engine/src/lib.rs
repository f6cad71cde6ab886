#![doc = include_str!("../README.md")]

#[cfg(feature = "axum")]
mod axum;
mod config;
mod cookie;
mod engine;
mod error;
mod id;
mod lifetime;
mod observe;
mod plan;
mod random;
mod record;
mod request;
mod session;
mod sessions;
pub mod stores;

pub use cloakroom_store as store;
pub use cloakroom_store::{Clock, ManualClock, SystemClock, Timestamp};
pub use config::{Config, ConfigError, Outage, OutagePolicy, TrustProxy};
pub use cookie::{KeyRing, SameSite, Secure};
pub use engine::{Engine, Outcome, Pending};
pub use error::{Error, ErrorKind, Result};
pub use id::{Handle, SessionId};
pub use observe::{Doing, End, Event, Expiry, Observer, Refusal, Renewal};
pub use random::{Random, SystemRandom};
pub use request::{Plain, RequestHead};
pub use session::{At, Session};
pub use sessions::{SessionInfo, Sessions};
