//! Records by owner, and revocations, on one connection inside a transaction.

use std::time::Duration;

use cloakroom_store::{HeadPage, Owner, OwnerKey, RecordHead, Timestamp};
use rusqlite::{MAIN_DB, params};

use crate::database::Database;
use crate::error::Failure;
use crate::layout::{head, micros, timestamp};
use crate::scan::After;

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

impl Database {
    /// Lists a page in the order of the rows' ids.
    ///
    /// A statement would read a payload whole, however little of it is asked for; so its beginning is read as a stream.
    /// The open statement keeps both at one moment.
    pub(crate) fn list(&self, owner: &OwnerKey, after: After, limit: usize) -> Result<HeadPage, Failure> {
        let (now, most) = (self.now(), HeadPage::bounded(limit));
        let mut statement = self.statement(|layout| &layout.list)?;
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![owner.as_bytes(), after.id(), limit])?;
        let (mut heads, mut seen, mut last) = (Vec::new(), 0, after);
        while let Some(row) = rows.next()? {
            seen += 1;
            let id = row.get(7)?;
            last = After::row(id);
            heads.push(head(row, self.payload_head(id)?)?);
        }
        heads.retain(|head| head.is_live(now));
        Ok(HeadPage::new(heads, (seen == most).then(|| last.cursor())))
    }

    fn payload_head(&self, id: i64) -> Result<Vec<u8>, Failure> {
        let payload =
            self.connection.blob_open(MAIN_DB, self.layout.records.as_str(), "payload", id, true)?;
        let mut beginning = vec![0; payload.len().min(RecordHead::PAYLOAD_BYTES)];
        payload.read_at_exact(&mut beginning, 0)?;
        Ok(beginning)
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

    /// Returns whether what this owner began must not be kept any more.
    pub(crate) fn is_revoked(&self, owner: Option<&Owner>) -> Result<bool, Failure> {
        let Some(Owner { key, logged_in_at: since, .. }) = owner else { return Ok(false) };
        let mut statement = self.statement(|layout| &layout.is_revoked)?;
        Ok(statement.query_row(params![key.as_bytes(), micros(*since)], |row| row.get(0))?)
    }
}
