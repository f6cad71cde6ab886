#![doc = include_str!("../README.md")]

pub mod body;
pub mod connect_flash;
pub mod cookie;
pub mod csrf;
pub mod date;
pub mod expiry;
mod files;
pub mod node_session;
pub mod passport;
mod preset;
mod session_ext;
mod store;

pub use files::{FileBodies, FileLayout};
pub use preset::{Express, Koa, NodeSession, SocialTables};
pub use session_ext::NodeValues;
pub use store::{MemoryBodies, NodeStore};
