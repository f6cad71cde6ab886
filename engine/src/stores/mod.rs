//! The stores that need no server.

mod memory;

pub use memory::{MemoryStore, MemoryStoreBuilder, Usage};
