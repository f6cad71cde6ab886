//! The stores that races are run on.

use std::sync::Arc;

use cloakroom::ManualClock;
use cloakroom::store::Store;
use cloakroom::stores::{FileStore, MemoryStore};
use cloakroom_conformance::Reference;
use cloakroom_sqlite::SqliteStore;
use tempfile::TempDir;

/// A store that races are run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The contract as a program.
    Reference,
    /// Records in memory.
    Memory,
    /// A file a record.
    File,
    /// SQLite, in a file.
    Sqlite,
}

/// An open store, and the folder that it is in.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Removed when the test is over.
    pub folder: TempDir,
}

impl Kind {
    /// Opens an empty store that goes by `clock`.
    ///
    /// What it writes survives the death of the process: races need no more, and a disk's own time would be most of theirs.
    pub async fn open(self, clock: &ManualClock) -> Opened {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let shared = Arc::new(clock.clone());
        let store: Arc<dyn Store> = match self {
            Self::Reference => Arc::new(Reference::new(clock.clone())),
            Self::Memory => Arc::new(MemoryStore::builder().clock(clock.clone()).build()),
            Self::File => {
                let builder = FileStore::builder(folder.path().join("records")).clock(shared);
                let builder = builder.durability(cloakroom::stores::Durability::Process);
                Arc::new(builder.open().await.expect("a file store opens"))
            }
            Self::Sqlite => {
                let builder = SqliteStore::builder(folder.path().join("records.sqlite")).clock(shared);
                let builder = builder.durability(cloakroom_sqlite::Durability::Process);
                Arc::new(builder.open().await.expect("a SQLite store opens"))
            }
        };
        Opened { store, folder }
    }
}
