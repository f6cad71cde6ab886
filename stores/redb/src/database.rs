//! The open file: read and write transactions, and opening it again after errors that need that.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use cloakroom_store::{Clock, ErrorKind, Timestamp};
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
    /// `None` if the file could not be opened again after an error.
    pub(crate) database: RwLock<Option<Database>>,
    pub(crate) pause: Mutex<Pause>,
}

/// How often a write may fail, one after the other, before the next ones wait.
const TRIES: u32 = 3;
/// The first pause, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// Keeps a full disk from being written to again and again: each failure makes redb close the file, and opening it again
/// takes a while, for which reads wait.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    failures: u32,
    /// What is answered until then.
    until: Option<(Instant, Failure)>,
}

impl Pause {
    fn answer(&self) -> Result<(), Failure> {
        match self.until {
            Some((until, failure)) if Instant::now() < until => Err(failure),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, failure: Failure) {
        self.failures += 1;
        let Some(times) = self.failures.checked_sub(TRIES) else { return };
        let [first, longest] = PAUSES;
        let pause = first.saturating_mul(1 << times.min(16)).min(longest);
        // Of a write that is not begun, it is certain that it took no effect.
        let failure = if failure.kind == ErrorKind::Full { failure } else { Failure::PAUSED };
        self.until = Some((Instant::now() + pause, failure));
    }
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
        let database = self.opened()?;
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = Some(database);
        Ok(())
    }

    fn opened(&self) -> Result<Database, Failure> {
        guarded(|| {
            let database = self.builder()?;
            self.identify(&database)?;
            Ok(database)
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Looks at the file as one moment left it; waits for no writer.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.lock().is_none() {
            self.open_if_closed()?;
        }
        let database = self.lock();
        let database = database.as_ref().ok_or(Failure::CLOSED)?;
        guarded(|| look(&database.begin_read()?))
    }

    /// Does `work` in one transaction, all of it or nothing; for the one thread that writes.
    pub(crate) fn write(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.pause().answer()?;
        if self.lock().is_none() {
            self.open_if_closed()?;
        }
        let done = self.write_now(work);
        match done {
            Ok(()) => *self.pause() = Pause::default(),
            Err((failure, true)) => self.pause().begin(failure),
            Err((_, false)) => {}
        }
        done.map_err(|(failure, _)| failure)
    }

    fn pause(&self) -> MutexGuard<'_, Pause> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes; a failure says whether the file had to be opened again.
    fn write_now(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<(), Failure>,
    ) -> Result<(), (Failure, bool)> {
        let Err(Failed { failure, number }) = self.transact(work) else { return Ok(()) };
        match number {
            None if self.is_usable() => Err((failure, false)),
            None => {
                self.open_again().map_err(|again| (again, true))?;
                Err((failure, true))
            }
            Some(number) => {
                let last = self.open_again().and_then(|()| self.last_transaction());
                match last {
                    Ok(last) if last == number => Ok(()),
                    Ok(_) => Err((failure, true)),
                    Err(_) => Err((failure.uncertain(), true)),
                }
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

    /// Returns whether the next transaction could begin.
    fn is_usable(&self) -> bool {
        let begin = |database: &Database| -> Result<(), Failure> { Ok(database.begin_write()?.abort()?) };
        self.lock().as_ref().is_some_and(|database| guarded(|| begin(database)).is_ok())
    }

    /// What redb asks for after it could not read or write.
    fn open_again(&self) -> Result<(), Failure> {
        let mut place = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Reads wait here meanwhile; otherwise they would find no file.
        drop(place.take());
        *place = Some(self.opened()?);
        Ok(())
    }

    fn open_if_closed(&self) -> Result<(), Failure> {
        let mut place = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() {
            *place = Some(self.opened().map_err(|_| Failure::CLOSED)?);
        }
        Ok(())
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
