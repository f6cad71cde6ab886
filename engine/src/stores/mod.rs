//! The stores that need no server.

mod file;

pub use file::{Durability, FileStore, FileStoreBuilder};
