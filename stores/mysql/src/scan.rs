//! Scans: all records, by pages.

use std::time::Duration;

use cloakroom_store::{Cursor, Error, ErrorKind, Page, Result};
use sqlx::Row;
use sqlx::mysql::MySqlRow;

use crate::connections::Harmless;
use crate::error::Failure;
use crate::layout::{entry, micros};
use crate::store::MysqlStore;

/// A page ends early when its payloads have this many bytes, so that large records do not fill the memory.
const PAGE_BYTES: i64 = 8 << 20;
/// How many records one statement clears.
const BATCH: i64 = 1_000;
/// How long counting may take: it goes through the whole table.
const COUNTING: Duration = Duration::from_mins(5);

/// Returns where a page begins: after the row with this id. A record keeps its row for as long as it lives.
pub(crate) fn after(cursor: Option<&Cursor>) -> Result<i64> {
    let Some(cursor) = cursor else { return Ok(0) };
    let bytes = cursor.as_bytes().try_into();
    bytes
        .map(i64::from_be_bytes)
        .map_err(|_| Error::new(ErrorKind::Invalid, "the cursor is of another store"))
}

impl MysqlStore {
    pub(crate) async fn page(&self, cursor: Option<&Cursor>, limit: usize) -> Result<Page> {
        let (now, after) = (self.now(), after(cursor)?);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).max(1);
        let Some((last, more)) = self.end_of_page(after, limit).await? else {
            return Ok(Page::new(Vec::new(), None));
        };
        let question = || self.statements.scan.question().bind(after).bind(last);
        let rows = self.connections.all(self.connections.limits().answer, Harmless::Yes, question).await?;
        let mut entries = rows.iter().map(entry).collect::<Result<Vec<_>, Failure>>()?;
        entries.retain(|entry| entry.stored.record.is_live(now));
        Ok(Page::new(entries, more.then(|| Cursor::new(last.to_be_bytes().to_vec()))))
    }

    /// Returns the last id of the page, and whether there may be more; `None` if the page is empty.
    async fn end_of_page(&self, after: i64, limit: i64) -> Result<Option<(i64, bool)>, Failure> {
        let question = || self.statements.sizes.question().bind(after).bind(limit);
        let rows = self.connections.all(self.connections.limits().answer, Harmless::Yes, question).await?;
        let (mut last, mut bytes, mut seen) = (None, 0, 0);
        for row in &rows {
            last = Some(row.try_get(0)?);
            bytes += row.try_get::<i64, _>(1)?;
            seen += 1;
            if bytes >= PAGE_BYTES {
                break;
            }
        }
        Ok(last.map(|last| (last, bytes >= PAGE_BYTES || seen == limit)))
    }

    pub(crate) async fn count_live(&self) -> Result<u64> {
        let now = micros(self.now());
        let question = || self.statements.count.question().bind(now);
        let rows = self.connections.all(COUNTING, Harmless::Yes, question).await?;
        Ok(number(rows.first())?.unsigned_abs())
    }

    /// Clears, batch by batch, what is there now.
    pub(crate) async fn clear_all(&self) -> Result<u64> {
        let live = self.count_live().await?;
        let row = self.connections.one(Harmless::Yes, || self.statements.last.question()).await?;
        let last = number(row.as_ref())?;
        let question = || self.statements.clear.question().bind(last).bind(BATCH);
        while self.connections.write(Harmless::Yes, question).await? > 0 {}
        Ok(live)
    }
}

/// Returns a number in a row that has to be there.
pub(crate) fn number(row: Option<&MySqlRow>) -> Result<i64, Failure> {
    Ok(row.ok_or(Failure::DAMAGED_ROW)?.try_get(0)?)
}
