//! The open file: reading and writing transactions, and opening it again after an error that redb wants that for.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use cloakroom_store::{Clock, Timestamp};
use redb::backends::{FileBackend, InMemoryBackend};
use redb::{Database, ReadTransaction, ReadableDatabase, TableError};

use crate::builder::Durability;
use crate::disk::{self, Unflushed};
use crate::error::Failure;
use crate::layout::{ABOUT, FORMAT, FORMAT_OF_FILE, TRANSACTIONS};
use crate::tables::Tables;

/// Where the records are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    Memory,
}

/// The open file, for every thread.
pub(crate) struct Shared {
    pub(crate) place: Place,
    pub(crate) durability: Durability,
    pub(crate) cache: usize,
    pub(crate) clock: Arc<dyn Clock>,
    /// `None` from an error until the file is open again.
    pub(crate) database: RwLock<Option<Database>>,
}

/// A transaction that wrote and failed, and its number if it had reached its commit.
struct Failed {
    failure: Failure,
    number: Option<u64>,
}

impl<E: Into<Failure>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { failure: error.into(), number: None }
    }
}

impl Shared {
    /// Opens the file, and makes it ours if it is new.
    pub(crate) fn open(&self) -> Result<(), Failure> {
        let database: Result<_, Failure> = guarded(|| {
            let database = self.builder()?;
            self.identify(&database)?;
            Ok(database)
        });
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = Some(database?);
        Ok(())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Looks at the file as one moment left it; waits for no writer.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let database = self.lock();
        let database = database.as_ref().ok_or(Failure::CLOSED)?;
        guarded(|| look(&database.begin_read()?))
    }

    /// Does `work` in one transaction, all of it or nothing; for the one thread that writes.
    pub(crate) fn write(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.lock().is_none() {
            self.open().map_err(|_| Failure::CLOSED)?;
        }
        let Err(Failed { failure, number }) = self.transact(work) else { return Ok(()) };
        match number {
            None if self.is_usable() => Err(failure),
            None => self.open_again().and(Err(failure)),
            Some(number) => {
                self.open_again().map_err(|_| failure.uncertain())?;
                let last = self.last_transaction().map_err(|_| failure.uncertain())?;
                if last == number { Ok(()) } else { Err(failure) }
            }
        }
    }

    fn transact(&self, work: impl FnOnce(&mut Tables<'_>) -> Result<(), Failure>) -> Result<(), Failed> {
        let database = self.lock();
        let database = database.as_ref().ok_or(Failure::CLOSED)?;
        guarded(|| {
            let transaction = database.begin_write()?;
            let mut tables = Tables::open(&transaction, Arc::clone(&self.clock))?;
            work(&mut tables)?;
            if !tables.changed {
                drop(tables);
                return Ok(transaction.abort()?);
            }
            let number = tables.count_transaction()?;
            drop(tables);
            transaction.commit().map_err(|error| Failed { failure: error.into(), number: Some(number) })
        })
    }

    /// Whether the next transaction could begin.
    fn is_usable(&self) -> bool {
        let begin = |database: &Database| -> Result<(), Failure> { Ok(database.begin_write()?.abort()?) };
        self.lock().as_ref().is_some_and(|database| guarded(|| begin(database)).is_ok())
    }

    /// What redb asks for after it could not read or write.
    fn open_again(&self) -> Result<(), Failure> {
        drop(self.database.write().unwrap_or_else(PoisonError::into_inner).take());
        self.open()
    }

    fn last_transaction(&self) -> Result<u64, Failure> {
        self.read(|transaction| {
            let about = transaction.open_table(ABOUT)?;
            Ok(about.get(TRANSACTIONS)?.map_or(0, |number| number.value()))
        })
    }

    fn builder(&self) -> Result<Database, Failure> {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache);
        let Place::File(path) = &self.place else {
            return Ok(builder.create_with_backend(InMemoryBackend::new())?);
        };
        let backend = FileBackend::new(disk::open(path)?)?;
        Ok(match self.durability {
            Durability::Machine => {
                let database = builder.create_with_backend(backend)?;
                disk::flush_name(path)?;
                database
            }
            Durability::Process => builder.create_with_backend(Unflushed(backend))?,
        })
    }

    /// Sees whether the file is ours, or empty and may become so.
    fn identify(&self, database: &Database) -> Result<(), Failure> {
        let transaction = database.begin_read()?;
        match transaction.open_table(ABOUT) {
            Ok(about) => match about.get(FORMAT_OF_FILE)?.map(|format| format.value()) {
                Some(FORMAT) => Ok(()),
                _ => Err(Failure::NEWER_FORMAT),
            },
            Err(TableError::TableDoesNotExist(_)) if transaction.list_tables()?.next().is_none() => {
                self.make_tables(database)
            }
            Err(TableError::Storage(error)) => Err(error.into()),
            Err(_) => Err(Failure::FOREIGN_FILE),
        }
    }

    fn make_tables(&self, database: &Database) -> Result<(), Failure> {
        let transaction = database.begin_write()?;
        Tables::open(&transaction, Arc::clone(&self.clock))?.about.insert(FORMAT_OF_FILE, FORMAT)?;
        Ok(transaction.commit()?)
    }

    fn lock(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// On a damaged page redb may panic: that is an answer too, and nothing of ours is left half done.
fn guarded<T, E: From<Failure>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Failure::DAMAGED.into()))
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("place", &self.place).finish_non_exhaustive()
    }
}
