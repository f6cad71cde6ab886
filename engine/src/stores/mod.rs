//! The stores that need no server.

mod file;
mod memory;

pub use file::{Durability, FileStore, FileStoreBuilder};
pub use memory::{MemoryStore, MemoryStoreBuilder, Usage};
