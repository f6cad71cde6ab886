//! Scans: all records, by pages.

use std::time::Duration;

use cloakroom_store::{Cursor, Entry, Page, Result, StoreKey};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::connections::Harmless;
use crate::error::Failure;
use crate::layout::{entry, micros};
use crate::store::PostgresStore;

/// A page ends early when its payloads have this many bytes, so that large records do not fill the memory.
const PAGE_BYTES: i64 = 8 << 20;
/// How many records one statement clears.
const BATCH: i64 = 1_000;
/// How long counting may take: it goes through the whole table.
const COUNTING: Duration = Duration::from_mins(5);

impl PostgresStore {
    pub(crate) async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let now = self.now();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).max(1);
        let after = after.map_or(&[][..], Cursor::as_bytes);
        let question = || self.statements.scan.question().bind(after).bind(limit).bind(PAGE_BYTES);
        let rows = self.connections.all(self.connections.limits().answer, Harmless::Yes, question).await?;
        let mut entries = rows.iter().map(entry).collect::<Result<Vec<_>, Failure>>()?;
        let full =
            rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX) || bytes(&entries) >= PAGE_BYTES;
        let next = entries.last().filter(|_| full).map(|entry| cursor(&entry.key));
        entries.retain(|entry| entry.stored.record.is_live(now));
        Ok(Page::new(entries, next))
    }

    pub(crate) async fn count_live(&self) -> Result<u64> {
        let now = micros(self.now());
        let question = || self.statements.count.question().bind(now);
        let rows = self.connections.all(COUNTING, Harmless::Yes, question).await?;
        Ok(number(rows.first(), 0)?)
    }

    /// Clears the table batch by batch, in the order of the keys.
    pub(crate) async fn clear_all(&self) -> Result<u64> {
        let now = micros(self.now());
        let (mut after, mut live) = (Vec::<u8>::new(), 0);
        loop {
            let question = || self.statements.clear.question().bind(&after[..]).bind(BATCH).bind(now);
            let row = self.connections.one(Harmless::No, question).await?;
            live += number(row.as_ref(), 0)?;
            let last = row.as_ref().map(|row| row.try_get::<Option<Vec<u8>>, _>(1)).transpose();
            let Some(last) = last.map_err(Failure::from)?.flatten() else { return Ok(live) };
            after = last;
        }
    }
}

/// A page begins after a key. That of a record never changes.
fn cursor(key: &StoreKey) -> Cursor {
    Cursor::new(key.as_bytes().to_vec())
}

fn bytes(entries: &[Entry]) -> i64 {
    let sum = entries.iter().map(|entry| entry.stored.record.payload.len()).sum::<usize>();
    i64::try_from(sum).unwrap_or(i64::MAX)
}

/// Returns a count in a row that has to be there.
pub(crate) fn number(row: Option<&PgRow>, column: usize) -> Result<u64, Failure> {
    Ok(row.ok_or(Failure::DAMAGED_ROW)?.try_get::<i64, _>(column)?.unsigned_abs())
}
