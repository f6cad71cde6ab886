//! Going through all records, in the order of their keys.

use std::time::Duration;

use cloakroom_store::{Cursor, Entry, Page};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

use crate::error::Failure;
use crate::layout::{binary, entry, micros};
use crate::server::Server;

/// A page ends early when its payloads have this many bytes, so that large records do not fill the memory.
const PAGE_BYTES: usize = 8 << 20;

/// How long it may take to go through the whole collection.
const LONGEST: Duration = Duration::from_secs(5 * 60);

impl Server {
    /// Reads a page; the cursor is the last key of the page before.
    pub(crate) async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, Failure> {
        let begin = after.map_or(&[][..], Cursor::as_bytes);
        let limit = limit.max(1);
        let filter = doc! { "_id": { "$gt": binary(begin) }, "expires_at": { "$gt": micros(self.now()) } };
        let find =
            self.records.find(filter).sort(doc! { "_id": 1 }).limit(i64::try_from(limit).unwrap_or(i64::MAX));
        self.ask(async { Ok(page(find.await?, limit).await) }).await?
    }

    pub(crate) async fn count(&self) -> Result<u64, Failure> {
        let live = doc! { "_id": records(), "expires_at": { "$gt": micros(self.now()) } };
        self.ask_within(LONGEST, self.records.count_documents(live)).await
    }

    /// Removes every slot, and keeps the marks.
    pub(crate) async fn clear(&self) -> Result<u64, Failure> {
        let live = doc! { "_id": records(), "expires_at": { "$gt": micros(self.now()) } };
        let removed = self.ask_within(LONGEST, self.records.delete_many(live)).await?.deleted_count;
        self.ask_within(LONGEST, self.records.delete_many(doc! { "_id": records() })).await?;
        Ok(removed)
    }
}

/// Returns the names of slots, not those of marks.
fn records() -> Document {
    doc! { "$type": "binData" }
}

async fn page(mut cursor: mongodb::Cursor<Document>, limit: usize) -> Result<Page, Failure> {
    let (mut entries, mut bytes): (Vec<Entry>, usize) = (Vec::new(), 0);
    while let Some(document) = cursor.try_next().await? {
        let entry = entry(document)?;
        bytes += entry.stored.record.payload.len();
        let key = entry.key.clone();
        entries.push(entry);
        if entries.len() == limit || bytes >= PAGE_BYTES {
            return Ok(Page::new(entries, Some(Cursor::new(key.as_bytes().to_vec()))));
        }
    }
    Ok(Page::new(entries, None))
}
