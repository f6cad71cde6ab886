//! Going through all sessions of a package, id by id.

use cloakroom::store::{
    BodyIds, Cursor, Ended, Entry, Error, ErrorKind, Page, Result, Scan, StoreKey, async_trait,
};

use super::NodeStore;

/// How many ids are looked at together where all are counted or removed.
const PAGE: usize = 500;

impl NodeStore {
    fn ids(&self) -> Result<&dyn BodyIds> {
        self.bodies.capabilities().ids.ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "the store of the Node package cannot go through its sessions")
        })
    }
}

#[async_trait]
impl Scan for NodeStore {
    /// Reads each body of a page by itself.
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let page = self.ids()?.ids(after, limit).await?;
        let mut entries = Vec::with_capacity(page.ids.len());
        for id in &page.ids {
            // An id that is longer than a key may be is not one that this store can look for.
            let Ok(key) = StoreKey::from_bytes(id.as_bytes()) else { continue };
            let body = self.bodies.read(id).await?;
            if let Some(stored) = body.and_then(|body| self.record(id, &body)) {
                entries.push(Entry::new(key, stored));
            }
        }
        Ok(Page::new(entries, page.next))
    }

    async fn count(&self) -> Result<u64> {
        // A store may name an id twice.
        let (mut keys, mut after) = (std::collections::HashSet::new(), None);
        loop {
            let page = self.scan(after.as_ref(), PAGE).await?;
            keys.extend(page.entries.into_iter().map(|entry| entry.key));
            after = page.next;
            if after.is_none() {
                return Ok(keys.len() as u64);
            }
        }
    }

    /// Ends every session, and leaves their marks.
    async fn clear(&self) -> Result<u64> {
        let (mut live, mut after) = (0, None);
        loop {
            let page = self.ids()?.ids(after.as_ref(), PAGE).await?;
            for id in &page.ids {
                live += u64::from(matches!(self.end(id, None).await?, Ended::Ended(_)));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if let Some(sweep) = self.bodies.capabilities().sweep {
            while sweep.sweep(PAGE).await?.more {}
        }
        Ok(live)
    }
}
