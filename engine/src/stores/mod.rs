//! The stores that need no server, and those that combine two stores.

mod file;
mod memory;
mod migrating;
mod tiered;

pub use file::{Durability, FileStore, FileStoreBuilder};
pub use memory::{MemoryStore, MemoryStoreBuilder, Usage};
pub use migrating::{MigrateOutcome, MigratingStore, Remaining};
pub use tiered::{CachedStore, CachedStoreBuilder};
