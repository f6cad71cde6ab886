//! Opens connections to a database of Node's, and checks its tables and columns.
//!
//! The file stays as Node made it: with or without a write-ahead log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::Clock;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::layout::BodyLayout;
use crate::builder::Durability;
use crate::database::Database;
use crate::error::Failure;
use crate::identity::Identity;
use crate::setup::{configure, open_file};

/// Everything that it takes to open a connection.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) path: PathBuf,
    pub(crate) layout: Arc<BodyLayout>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    /// Whether the table of ended sessions is made if it is missing.
    pub(crate) create: bool,
}

/// The columns of a table, with their types.
const COLUMNS: &str = "SELECT lower(name), upper(type) FROM pragma_table_info(?1)";

/// The columns of a primary key, and how they compare.
const KEY: &str =
    "SELECT lower(x.name), x.coll FROM pragma_index_list(?1) AS l, pragma_index_xinfo(l.name) AS x
    WHERE l.origin = 'pk' AND x.key";

impl Setup {
    /// Opens the connection that writes, and makes the table of ended sessions if it is missing.
    pub(super) fn open_writer(&self) -> Result<Database<BodyLayout>, Failure> {
        if !self.path.exists() {
            return Err(Failure::NO_BODIES);
        }
        let mut connection = self.connect()?;
        check_sessions(&connection, &self.layout.table)?;
        self.check_ended(&mut connection)?;
        // The writer waits for the lock in its own way.
        connection.busy_timeout(Duration::ZERO)?;
        self.finish(connection)
    }

    /// Opens a connection that reads; the tables are there.
    pub(super) fn open_reader(&self) -> Result<Database<BodyLayout>, Failure> {
        let connection = self.connect()?;
        connection.pragma_update(None, "query_only", true)?;
        self.finish(connection)
    }

    fn connect(&self) -> Result<Connection, Failure> {
        let connection = open_file(&self.path, OpenFlags::empty(), self.busy_timeout)?;
        let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        // Fewer flushes could damage a database without a write-ahead log.
        let durability = if journal == "wal" { self.durability } else { Durability::Machine };
        configure(&connection, durability)?;
        Ok(connection)
    }

    fn check_ended(&self, connection: &mut Connection) -> Result<(), Failure> {
        let ended = &self.layout.ended;
        if columns(connection, ended)?.is_empty() {
            if !self.create {
                return Err(Failure::NO_ENDED);
            }
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(&self.layout.make_ended)?;
            transaction.commit()?;
        }
        let found = columns(connection, ended)?;
        let has = |name: &str| found.iter().any(|column| column.name == name);
        if has("id") && has("until") && key(connection, ended)? == [("id".into(), "BINARY".into())] {
            Ok(())
        } else {
            Err(Failure::FOREIGN_ENDED)
        }
    }

    /// Prepares every statement: that fails if a column is missing.
    fn finish(&self, connection: Connection) -> Result<Database<BodyLayout>, Failure> {
        for sql in self.layout.statements() {
            connection.prepare_cached(sql).map_err(|error| Failure::from(error).about_bodies())?;
        }
        let file = Some(Identity::of(&self.path)?);
        Ok(Database { connection, layout: Arc::clone(&self.layout), clock: Arc::clone(&self.clock), file })
    }
}

struct Column {
    name: String,
    kind: String,
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<Column>, Failure> {
    let mut statement = connection.prepare(COLUMNS)?;
    let columns = statement.query_map([table], |row| Ok(Column { name: row.get(0)?, kind: row.get(1)? }))?;
    Ok(columns.collect::<Result<_, _>>()?)
}

fn key(connection: &Connection, table: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut statement = connection.prepare(KEY)?;
    let columns = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(columns.collect::<Result<_, _>>()?)
}

/// Fails unless the table has the columns of connect-sqlite3, and keeps what is put into them as it is. Other columns may be
/// there too.
fn check_sessions(connection: &Connection, table: &str) -> Result<(), Failure> {
    let found = columns(connection, table)?;
    if found.is_empty() {
        return Err(Failure::NO_BODIES);
    }
    let kind = |name: &str| found.iter().find(|column| column.name == name).map(|column| &*column.kind);
    // Of another type, a column turns texts into numbers, or numbers into texts, which compare otherwise.
    let keeps_text = |kind: &str| kind.is_empty() || kind == "TEXT" || kind.starts_with("VARCHAR");
    let keeps_numbers = |kind: &str| ["", "REAL", "INTEGER", "NUMERIC"].contains(&kind);
    let right = kind("sid").is_some_and(keeps_text)
        && kind("sess").is_some_and(keeps_text)
        && kind("expired").is_some_and(keeps_numbers);
    // Where ids compare in another way, different ones may be the same.
    if right && key(connection, table)? == [("sid".into(), "BINARY".into())] {
        Ok(())
    } else {
        Err(Failure::FOREIGN_BODIES)
    }
}
