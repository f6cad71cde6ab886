//! The stores that need no server.

mod file;
mod memory;
mod migrating;

pub use file::{Durability, FileStore, FileStoreBuilder};
pub use memory::{MemoryStore, MemoryStoreBuilder, Usage};
pub use migrating::{Brought, MigratingStore, Remaining};
