#![doc = include_str!("../README.md")]

#[cfg(feature = "axum")]
mod axum;
mod csrf;
mod future;
mod layer;
mod response;
mod service;

#[cfg(feature = "axum")]
pub use axum::{LazySession, Session, SessionError};
pub use cloakroom::{self, *};
pub use csrf::{CsrfFuture, CsrfLayer, CsrfService};
pub use future::ResponseFuture;
pub use layer::SessionLayer;
pub use response::{ErrorResponse, status_of};
pub use service::SessionService;
