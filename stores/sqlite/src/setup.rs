//! Opens connections: checks that the database and its tables are ours, and sets SQLite's options.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cloakroom_store::Clock;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::builder::Durability;
use crate::database::Database;
use crate::error::Failure;
use crate::identity::Identity;
use crate::layout::{APPLICATION_ID, Layout, SCHEMA_VERSION};

/// The cache of each connection, in KiB.
const CACHE: i64 = 8 * 1024;
/// After how many pages of log they are brought into the database: about 4 MB.
const CHECKPOINT: i64 = 1000;
/// How much of a log that grew under load is kept as a file, in bytes.
const KEPT_LOG: i64 = 64 << 20;
const PREPARED: usize = 32;

/// Everything that it takes to open a connection.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) place: Place,
    pub(crate) layout: Arc<Layout>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    /// Whether the file and the tables are made if they are missing.
    pub(crate) create: bool,
}

/// Where the records are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    Memory,
}

impl Setup {
    /// Opens the connection that writes, and makes the tables if they are missing.
    pub(crate) fn open_writer(&self) -> Result<Database, Failure> {
        let mut connection = match &self.place {
            Place::File(path) if self.create => {
                create_private(path);
                open_file(path, OpenFlags::SQLITE_OPEN_CREATE, self.busy_timeout)?
            }
            Place::File(path) if !path.exists() => return Err(Failure::NO_STORE),
            Place::File(path) => open_file(path, OpenFlags::empty(), self.busy_timeout)?,
            Place::Memory => Connection::open_in_memory()?,
        };
        let fresh = identify(&connection)?;
        if !self.create && (fresh || !self.has_tables(&connection)?) {
            return Err(Failure::NO_STORE);
        }
        if matches!(self.place, Place::File(_)) {
            self.use_write_ahead_log(&connection)?;
        }
        configure(&connection, self.durability)?;
        if fresh || !self.has_tables(&connection)? {
            self.make_tables(&mut connection)?;
        }
        // The writer waits for the lock in its own way.
        connection.busy_timeout(Duration::ZERO)?;
        self.finish(connection)
    }

    /// Opens a connection that reads; the tables are there.
    pub(crate) fn open_reader(&self) -> Result<Database, Failure> {
        let Place::File(path) = &self.place else { return Err(Failure::FOREIGN_TABLE) };
        let connection = open_file(path, OpenFlags::empty(), self.busy_timeout)?;
        configure(&connection, self.durability)?;
        connection.pragma_update(None, "query_only", true)?;
        self.finish(connection)
    }

    /// SQLite does not wait for locks while it changes the kind of journal, so this does.
    fn use_write_ahead_log(&self, connection: &Connection) -> Result<(), Failure> {
        let begin = Instant::now();
        loop {
            let answer = connection
                .query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))
                .map_err(Failure::from);
            match answer {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(_) => return Err(Failure::NO_WAL),
                Err(failure) if failure.is_busy() && begin.elapsed() < self.busy_timeout => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn has_tables(&self, connection: &Connection) -> Result<bool, Failure> {
        let mut statement =
            connection.prepare("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)")?;
        Ok(statement.query_row([&self.layout.records], |row| row.get(0))?)
    }

    fn make_tables(&self, connection: &mut Connection) -> Result<(), Failure> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process, perhaps of another application, may have created tables meanwhile: check again.
        identify(&transaction)?;
        transaction.execute_batch(&self.layout.schema)?;
        Ok(transaction.commit()?)
    }

    /// Prepares every statement: that fails if a table, a column or an index is not as we know it.
    fn finish(&self, connection: Connection) -> Result<Database, Failure> {
        for (_, sql) in self.layout.statements() {
            connection.prepare_cached(sql)?;
        }
        let file = match &self.place {
            Place::File(path) => Some(Identity::of(path)?),
            Place::Memory => None,
        };
        Ok(Database { connection, layout: Arc::clone(&self.layout), clock: Arc::clone(&self.clock), file })
    }
}

/// Opens a connection to a file; `create` says whether that makes it.
pub(crate) fn open_file(
    path: &Path,
    create: OpenFlags,
    busy_timeout: Duration,
) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    // SQLite takes a name like `file:…` or `:memory:` for something else, and a path with a folder for a file.
    let connection = Connection::open_with_flags(Path::new(".").join(path), flags)?;
    connection.busy_timeout(busy_timeout)?;
    Ok(connection)
}

/// Sets what counts for one connection, and leaves the file as it is.
pub(crate) fn configure(connection: &Connection, durability: Durability) -> Result<(), Failure> {
    let machine = durability == Durability::Machine;
    connection.pragma_update(None, "synchronous", if machine { "FULL" } else { "NORMAL" })?;
    // Only on macOS does that make a difference: there, fsync leaves the data in the disk's own cache.
    connection.pragma_update(None, "fullfsync", machine)?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    connection.pragma_update(None, "journal_size_limit", KEPT_LOG)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    // What was deleted is overwritten, wherever that takes no extra write.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(())
}

/// Returns whether the database is empty and may become ours; fails if it is neither that nor ours.
fn identify(connection: &Connection) -> Result<bool, Failure> {
    let header = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let things: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (header("application_id")?, header("user_version")?) {
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(false),
        (APPLICATION_ID, _) => Err(Failure::NEWER_SCHEMA),
        (0, 0) if things == 0 => Ok(true),
        _ => Err(Failure::FOREIGN_FILE),
    }
}

/// Makes the file readable by its owner only; SQLite gives the files beside it the same permissions.
/// If this fails, SQLite fails too and tells why.
fn create_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path));
}

#[cfg(test)]
mod tests {
    use cloakroom_store::SystemClock;

    use super::*;
    use crate::layout::PREFIX;

    fn setting(durability: Durability, name: &str) -> i64 {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup {
            place: Place::File(folder.path().join("sessions.db")),
            layout: Arc::new(Layout::new(PREFIX)),
            clock: Arc::new(SystemClock),
            durability,
            busy_timeout: Duration::from_secs(1),
            create: true,
        };
        let database = setup.open_writer().unwrap();
        database.connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_shall_survive_the_machine_is_flushed_at_each_commit() {
        const NORMAL: i64 = 1;
        const FULL: i64 = 2;
        assert_eq!(setting(Durability::default(), "synchronous"), FULL);
        assert_eq!(setting(Durability::default(), "fullfsync"), 1);
        assert_eq!(setting(Durability::Process, "synchronous"), NORMAL);
    }
}
