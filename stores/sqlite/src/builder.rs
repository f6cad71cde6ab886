//! The options of a store, and their defaults.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, Error, ErrorKind, Result, StoreUrl, SystemClock};

use crate::bodies::{self, BodyLayout, SqliteBodies};
use crate::layout::{Layout, PREFIX};
use crate::setup::{Place, Setup};
use crate::store::SqliteStore;

/// The longest table prefix, in bytes.
const LONGEST_PREFIX: usize = 32;
/// SQLite keeps no value of a billion bytes, and a row has more than a payload.
const LARGEST_PAYLOAD: usize = 900_000_000;

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The crash of the machine, and a power failure: the log is flushed to the disk before a write is answered.
    #[default]
    Machine,
    /// The crash or kill of the process, not that of the machine, which may take the last writes with it.
    /// The database stays whole in either case.
    Process,
}

impl Durability {
    fn read(text: &str) -> Option<Self> {
        match text {
            "machine" => Some(Self::Machine),
            "process" => Some(Self::Process),
            _ => None,
        }
    }
}

/// Sets the options of a [`SqliteStore`]; [`SqliteStore::builder`] and [`SqliteStore::from_url`] make one.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    place: Place,
    clock: Arc<dyn Clock>,
    durability: Durability,
    prefix: String,
    busy_timeout: Duration,
    readers: usize,
    max_payload_bytes: usize,
    create: bool,
    /// The table of Node's sessions.
    table: String,
}

impl Builder {
    pub(crate) fn file(path: PathBuf) -> Self {
        Self {
            place: Place::File(path),
            clock: Arc::new(SystemClock),
            durability: Durability::default(),
            prefix: PREFIX.into(),
            busy_timeout: Duration::from_secs(5),
            readers: 2,
            max_payload_bytes: 16 << 20,
            create: true,
            table: "sessions".into(),
        }
    }

    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        if url.scheme() != "sqlite" {
            return Err(invalid("the url of this store begins with sqlite:"));
        }
        let mut builder = Self::file(url.path()?.into());
        builder.durability = url.read("durability", Durability::read)?.unwrap_or(builder.durability);
        builder.prefix = url.text("prefix")?.unwrap_or(builder.prefix);
        builder.busy_timeout = url.duration("busy_timeout")?.unwrap_or(builder.busy_timeout);
        builder.readers = url.parsed("readers")?.map_or(builder.readers, NonZeroUsize::get);
        builder.create = url.flag("create_if_missing")?.unwrap_or(builder.create);
        builder.table = url.text("table")?.unwrap_or(builder.table);
        if let Some(bytes) = url.parsed("max_payload_bytes")? {
            builder = builder.max_payload_bytes(bytes);
        }
        url.finish()?;
        Ok(builder)
    }

    pub(crate) fn memory() -> Self {
        Self { place: Place::Memory, readers: 0, ..Self::file(PathBuf::new()) }
    }

    /// Sets the clock that decides what has expired. The operating system's unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets what an acknowledged write survives. [`Durability::Machine`] unless set.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets what the names of all tables and indices begin with, so that several stores can share a file.
    /// `cloakroom_` unless set; up to 32 ASCII letters, digits and underscores, a letter first.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long an operation waits for another process that holds the lock, before it fails as
    /// [`ErrorKind::Unavailable`]. 5 seconds unless set.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Sets how many connections load records, each on a thread of its own. 2 unless set.
    pub fn readers(mut self, readers: NonZeroUsize) -> Self {
        // A database in memory has one connection only.
        if matches!(self.place, Place::File(_)) {
            self.readers = readers.get();
        }
        self
    }

    /// Sets the largest payload that is kept, in bytes; a larger one is [`ErrorKind::TooLarge`].
    /// 16 MiB unless set; at most 900,000,000, SQLite's limit.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes.min(LARGEST_PAYLOAD);
        self
    }

    /// Sets whether opening makes the file and the tables that are missing, as it does unless set. If not, a store that
    /// is not there is an [`ErrorKind::Setup`], and nothing is made: for programs that only read what others wrote.
    /// Without effect on a database in memory.
    pub fn create_if_missing(mut self, create: bool) -> Self {
        self.create = create || matches!(self.place, Place::Memory);
        self
    }

    /// Sets the table that a Node application keeps its sessions in, for [`build_bodies`](Self::build_bodies): the option
    /// `table` of connect-sqlite3. `sessions` unless set.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.table = table.into();
        self
    }

    /// Opens the database, and makes file and tables if they are missing.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if the folder is missing or cannot be written, if the file or a table is not ours,
    /// or if they are missing and not to be made;
    /// [`ErrorKind::Corrupt`] if the file is damaged; [`ErrorKind::Unavailable`] if it is locked for longer than the
    /// busy timeout; [`ErrorKind::Full`]; [`ErrorKind::Invalid`] if a path or a prefix can never be right.
    pub async fn build(self) -> Result<SqliteStore> {
        check_prefix(&self.prefix)?;
        check_place(&self.place)?;
        let setup = Setup {
            place: self.place,
            layout: Arc::new(Layout::new(&self.prefix)),
            clock: self.clock,
            durability: self.durability,
            busy_timeout: self.busy_timeout,
            create: self.create,
        };
        SqliteStore::start(setup, self.readers, self.max_payload_bytes).await
    }

    /// Opens the database of a Node application, and keeps bodies of its sessions instead of records: see [`SqliteBodies`].
    /// The file and the table have to be there; the table of ended sessions, `cloakroom_ended`, is made beside it unless
    /// [`create_if_missing`](Self::create_if_missing) says otherwise. [`Durability::Process`] counts only where Node uses a
    /// write-ahead log.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if a table is missing or has other columns; [`ErrorKind::Invalid`] for a database in memory, which
    /// no two processes share; otherwise as for [`build`](Self::build).
    pub async fn build_bodies(self) -> Result<SqliteBodies> {
        check_prefix(&self.prefix)?;
        check_place(&self.place)?;
        let Place::File(path) = self.place else {
            return Err(invalid("a database in memory is not shared with a node application"));
        };
        if self.table.is_empty() || self.table.contains('\0') {
            return Err(invalid("the name of a table is not empty and has no zero byte"));
        }
        let setup = bodies::Setup {
            path,
            layout: Arc::new(BodyLayout::new(&self.table, &self.prefix)),
            clock: self.clock,
            durability: self.durability,
            busy_timeout: self.busy_timeout,
            create: self.create,
        };
        SqliteBodies::open(setup, self.readers, self.max_payload_bytes).await
    }
}

fn check_prefix(prefix: &str) -> Result<()> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let right = prefix.len() <= LONGEST_PREFIX
        && prefix.starts_with(|first: char| first.is_ascii_alphabetic())
        && prefix.bytes().all(letters)
        && !prefix.to_ascii_lowercase().starts_with("sqlite_");
    if right {
        return Ok(());
    }
    Err(invalid(
        "a table prefix has up to 32 ascii letters, digits and underscores, a letter first, and is not sqlite_",
    ))
}

/// To SQLite, these paths mean a database that only one connection sees.
fn check_place(place: &Place) -> Result<()> {
    match place {
        Place::File(path) if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" => {
            Err(invalid("the path names no file; a database in memory is opened by its own function"))
        }
        _ => Ok(()),
    }
}

fn invalid(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, message.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_is_not_a_name_is_refused() {
        for prefix in [
            "",
            "1a",
            "_a",
            "a-b",
            "a b",
            "a;drop table b",
            "a\"",
            "é",
            "sqlite_",
            "SQLite_x",
            &"a".repeat(33),
        ] {
            assert_eq!(check_prefix(prefix).unwrap_err().kind(), ErrorKind::Invalid, "{prefix}");
        }
        for prefix in ["a", "cloakroom_", "App2_sessions_"] {
            assert!(check_prefix(prefix).is_ok(), "{prefix}");
        }
    }
}
