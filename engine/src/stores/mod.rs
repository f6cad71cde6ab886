//! The stores that need no server, and those that join two.

mod file;
mod memory;
mod migrating;
mod tiered;

pub use file::{Durability, FileStore, FileStoreBuilder};
pub use memory::{MemoryStore, MemoryStoreBuilder, Usage};
pub use migrating::{Brought, MigratingStore, Remaining};
pub use tiered::{TieredStore, TieredStoreBuilder};
