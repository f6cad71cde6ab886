//! Pairs of a real Node application and a Rust application, which share live sessions: see `tests/`.
//!
//! The Node applications are in `apps/`; `cargo xtask node` installs their packages, as `apps/package-lock.json` pins them.

mod browser;
mod node_app;
mod rust_app;

pub use browser::{Answer, Browser};
pub use node_app::NodeApp;
pub use rust_app::RustApp;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/node.md")]
struct Guide;

/// The result of what may fail in many ways.
pub type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
