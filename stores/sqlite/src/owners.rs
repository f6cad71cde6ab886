//! Records by owner, and revocations, on one connection inside a transaction.

use std::time::Duration;

use cloakroom_store::{Entry, Owner, OwnerKey, Timestamp};
use rusqlite::params;

use crate::database::Database;
use crate::error::Failure;
use crate::layout::{entry, micros, timestamp};

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

impl Database {
    pub(crate) fn list(&self, owner: &OwnerKey) -> Result<Vec<Entry>, Failure> {
        let now = micros(self.now());
        let mut statement = self.statement(|layout| &layout.list)?;
        let mut rows = statement.query(params![owner.as_bytes(), now])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(entry(row)?);
        }
        Ok(entries)
    }

    pub(crate) fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64, Failure> {
        let now = self.now();
        let forget_at = now.max(at) + REMEMBERED;
        let mark = params![owner.as_bytes(), micros(at), micros(forget_at)];
        self.statement(|layout| &layout.remember)?.execute(mark)?;

        let mut statement = self.statement(|layout| &layout.revoke)?;
        let mut removed = statement.query(params![owner.as_bytes(), micros(at)])?;
        let mut live = 0;
        while let Some(row) = removed.next()? {
            live += u64::from(now < timestamp(row.get(0)?)?);
        }
        Ok(live)
    }

    /// Whether what this owner began must not be kept any more.
    pub(crate) fn is_revoked(&self, owner: Option<&Owner>) -> Result<bool, Failure> {
        let Some(Owner { key, since }) = owner else { return Ok(false) };
        let mut statement = self.statement(|layout| &layout.is_revoked)?;
        Ok(statement.query_row(params![key.as_bytes(), micros(*since)], |row| row.get(0))?)
    }
}
