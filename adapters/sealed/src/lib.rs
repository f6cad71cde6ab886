#![doc = include_str!("../README.md")]
// docs.rs says at each item which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod config;
mod contents;
mod cookie;
mod future;
mod layer;
mod session;

#[cfg(feature = "axum")]
pub use axum::NoLayer;
pub use cloakroom::{ConfigError, Error, ErrorKind, Result, SameSite};
pub use cloakroom_sealing::{self, SealingKeys, WeakSecret};
pub use config::IrrevocableConfig;
pub use future::IrrevocableFuture;
pub use layer::{IrrevocableLayer, IrrevocableService};
pub use session::IrrevocableSession;
