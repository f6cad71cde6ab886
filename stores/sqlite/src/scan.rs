//! Going through all records, on one connection.

use cloakroom_store::{Cursor, Entry, Error, ErrorKind, Page, Result};
use rusqlite::params;

use crate::database::Database;
use crate::error::Failure;
use crate::layout::{entry, micros};

/// A page ends early when its payloads have this many bytes, so that large records do not fill the memory.
const PAGE_BYTES: usize = 8 << 20;

/// Where a page begins: after the row with this id. A record keeps its row for as long as it lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct After(i64);

impl After {
    pub(crate) fn read(cursor: Option<&Cursor>) -> Result<Self> {
        let Some(cursor) = cursor else { return Ok(Self(i64::MIN)) };
        let bytes = cursor.as_bytes().try_into();
        bytes
            .map(|bytes| Self(i64::from_be_bytes(bytes)))
            .map_err(|_| Error::new(ErrorKind::Invalid, "the cursor is of another store"))
    }

    pub(crate) const fn row(id: i64) -> Self {
        Self(id)
    }

    pub(crate) const fn id(self) -> i64 {
        self.0
    }

    pub(crate) fn cursor(self) -> Cursor {
        Cursor::new(self.0.to_be_bytes().to_vec())
    }
}

impl Database {
    pub(crate) fn scan(&self, after: After, limit: usize) -> Result<Page, Failure> {
        let now = self.now();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).max(1);
        let mut statement = self.statement(|layout| &layout.scan)?;
        let mut rows = statement.query(params![after.0, limit])?;
        let mut page = Page::new(Vec::new(), None);
        let (mut seen, mut bytes) = (0, 0);
        while let Some(row) = rows.next()? {
            let Entry { key, stored, .. } = entry(row)?;
            seen += 1;
            bytes += stored.record.payload.len();
            if stored.record.is_live(now) {
                page.entries.push(Entry::new(key, stored));
            }
            if seen == limit || bytes >= PAGE_BYTES {
                page.next = Some(After(row.get(7)?).cursor());
                break;
            }
        }
        Ok(page)
    }

    pub(crate) fn count(&self) -> Result<u64, Failure> {
        let now = micros(self.now());
        let live: i64 = self.statement(|layout| &layout.count)?.query_row([now], |row| row.get(0))?;
        Ok(live.unsigned_abs())
    }

    pub(crate) fn clear(&self) -> Result<u64, Failure> {
        let live = self.count()?;
        self.statement(|layout| &layout.clear)?.execute([])?;
        Ok(live)
    }
}
