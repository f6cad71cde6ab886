//! One connection, and what it needs to do the contract's operations; `records`, `owners`, `sweep` and `scan` do them,
//! and `bodies` for sessions of Node's.

use std::fmt;
use std::sync::Arc;

use cloakroom_store::{Clock, Timestamp};
use rusqlite::{CachedStatement, Connection};

use crate::error::Failure;
use crate::identity::Identity;
use crate::layout::Layout;

/// One connection, to tables of the layout `L`. Each of its operations on records is one atomic step only inside a
/// transaction, or if it is a single statement.
pub(crate) struct Database<L = Layout> {
    pub(crate) connection: Connection,
    pub(crate) layout: Arc<L>,
    pub(crate) clock: Arc<dyn Clock>,
    /// `None` for a database in memory.
    pub(crate) file: Option<Identity>,
}

impl<L> Database<L> {
    /// Returns a statement of the layout, prepared once a connection.
    pub(crate) fn statement(&self, sql: fn(&L) -> &String) -> Result<CachedStatement<'_>, Failure> {
        Ok(self.connection.prepare_cached(sql(&self.layout))?)
    }

    /// Fails if what is written here is not in the file that others find: see [`Identity`].
    pub(crate) fn check_file(&self) -> Result<(), Failure> {
        self.file.as_ref().map_or(Ok(()), Identity::check)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl<L> fmt::Debug for Database<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database(..)")
    }
}
