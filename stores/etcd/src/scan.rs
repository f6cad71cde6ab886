//! Going through all records, in the order of their keys.

use cloakroom_store::{Cursor, Entry, Page};

use crate::error::Failure;
use crate::layout::{BATCH, Layout, read};
use crate::messages::{KeyValue, TxnRequest};
use crate::server::Server;
use crate::transaction::{Keys, always, delete, found, is_of, range};

/// A page has at most so many records, so that large ones do not fill the memory.
const PAGE: usize = 64;

impl Server {
    /// Reads a page; the cursor is the last key of the page before.
    pub(crate) async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, Failure> {
        let limit = limit.clamp(1, PAGE);
        let (now, start) = (self.now(), self.layout.records());
        let records = self.records_after(after.map_or(&[][..], Cursor::as_bytes), limit).await?;
        let mut page = Page::new(Vec::new(), None);
        for there in &records {
            let (key, stored) = (Layout::read_key(&there.key, &start)?, read(&there.value)?);
            if records.len() == limit {
                page.next = Some(Cursor::new(key.as_bytes().to_vec()));
            }
            if stored.record.is_live(now) {
                page.entries.push(Entry::new(key, stored));
            }
        }
        Ok(page)
    }

    pub(crate) async fn count(&self) -> Result<u64, Failure> {
        let (mut live, mut cursor) = (0, None);
        loop {
            let page = self.scan(cursor.as_ref(), PAGE).await?;
            live += page.entries.len() as u64;
            match page.next {
                None => return Ok(live),
                next => cursor = next,
            }
        }
    }

    /// Removes every record, with what lists it under its owner, and keeps the marks.
    pub(crate) async fn clear(&self) -> Result<u64, Failure> {
        let (mut live, now) = (0, self.now());
        loop {
            // Each needs two operations.
            let records = self.records_after(&[], BATCH / 2).await?;
            if records.is_empty() {
                return Ok(live);
            }
            let mut request = TxnRequest::default();
            let mut alive = 0;
            for there in &records {
                request.compare.push(is_of(there.key.clone(), there.mod_revision));
                request.success.push(delete(Keys::one(there.key.clone()), false));
                let key = Layout::read_key(&there.key, &self.layout.records())?;
                // What cannot be read is removed as well.
                let Ok(stored) = read(&there.value) else { continue };
                alive += u64::from(stored.record.is_live(now));
                let listed = stored.record.owner.map(|owner| Keys::one(self.layout.owned(&owner, &key)));
                request.success.extend(listed.map(|keys| delete(keys, false)));
            }
            if self.transact(request).await?.succeeded {
                live += alive;
            }
        }
    }

    pub(crate) async fn remove_everything(&self) -> Result<(), Failure> {
        let removals = self.layout.everything().map(|keys| delete(keys, false));
        self.transact(always(removals.into())).await.map(drop)
    }

    async fn records_after(&self, key: &[u8], limit: usize) -> Result<Vec<KeyValue>, Failure> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let page = range(self.layout.records_after(key), limit, false, 0);
        Ok(found(&self.transact(always(vec![page])).await?, 0).to_vec())
    }
}
