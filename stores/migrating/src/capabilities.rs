//! Owners, scans and sweeps over two stores.

use cloakroom_store::{
    Cursor, Entry, Error, ErrorKind, HeadPage, OwnerKey, Owners, Page, RecordHead, Result, Scan, Sweep,
    SweepStats, Timestamp, VersionedRecord, async_trait,
};

use super::marks::{self, Found};
use super::{MigratingStore, Phase, masked, scan_of};

#[async_trait]
impl Owners for MigratingStore {
    /// Goes through the old store first, then the new one: what moves meanwhile goes from there to here, so it is seen
    /// in one of them, or in both.
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let (place, after) = split(after);
        if place == IN_OLD {
            let page = owners_of(self.old.capabilities().owners)?.list(owner, after.as_ref(), limit).await?;
            let next = page.next.map_or_else(|| prefixed(IN_NEW, b""), |at| prefixed(IN_OLD, at.as_bytes()));
            return Ok(HeadPage::new(self.still_in_old(page.heads).await?, Some(next)));
        }
        let page = owners_of(self.new.capabilities().owners)?.list(owner, after.as_ref(), limit).await?;
        let mut heads = Vec::with_capacity(page.heads.len());
        for head in page.heads {
            heads.extend(self.head_in_new(head, owner).await?);
        }
        Ok(HeadPage::new(heads, page.next.map(|at| prefixed(IN_NEW, at.as_bytes()))))
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        // Settled first, so that none is counted in both. What arrives after the new store knows is refused there, and
        // what the old one removes after that does not arrive.
        if self.phase == Phase::Moving {
            self.settle_all_of(owner).await?;
        }
        let in_new = owners_of(self.new.capabilities().owners)?.revoke(owner, at).await?;
        let in_old = owners_of(self.old.capabilities().owners)?.revoke(owner, at).await?;
        Ok(in_new + in_old)
    }
}

impl MigratingStore {
    /// Returns the heads of the old store that are not seen in the new one afterwards: none, if this process moves
    /// records.
    async fn still_in_old(&self, mut heads: Vec<RecordHead>) -> Result<Vec<RecordHead>> {
        heads.retain(|head| !marks::is_reserved(&head.payload_head));
        if self.phase == Phase::Moving {
            for head in heads.drain(..) {
                self.settle(&head.key).await?;
            }
        }
        heads.iter_mut().for_each(|head| head.version = masked(head.version));
        Ok(heads)
    }

    /// Returns a head of the new store, once its record has arrived there.
    async fn head_in_new(&self, head: RecordHead, owner: &OwnerKey) -> Result<Option<RecordHead>> {
        if !marks::is_reserved(&head.payload_head) {
            return Ok(Some(head));
        }
        let stored = self.settle(&head.key).await?;
        let is_theirs =
            |stored: &VersionedRecord| stored.record.owner.as_ref().is_some_and(|o| o.key == *owner);
        let entry = stored.filter(is_theirs).map(|stored| Entry::new(head.key, stored));
        Ok(entry.and_then(RecordHead::of))
    }

    /// Moves all records of the owner.
    async fn settle_all_of(&self, owner: &OwnerKey) -> Result<()> {
        let (owners, mut after) = (owners_of(self.old.capabilities().owners)?, None);
        loop {
            let page = owners.list(owner, after.as_ref(), HeadPage::MOST).await?;
            self.still_in_old(page.heads).await?;
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Returns an entry of the old store, moved if this process moves records.
    async fn as_it_is_now(&self, entry: Entry) -> Result<Option<Entry>> {
        let Entry { key, stored, .. } = entry;
        let stored = match self.phase {
            Phase::Following => Self::in_old(Some(stored)),
            Phase::Moving if marks::is_reserved(&stored.record.payload) => None,
            Phase::Moving => self.settle(&key).await?,
        };
        Ok(stored.map(|stored| Entry::new(key, stored)))
    }

    async fn as_it_is_now_in_new(&self, entry: Entry) -> Result<Option<Entry>> {
        let Entry { key, stored, .. } = entry;
        let stored = match marks::read(stored) {
            Found::Plain(stored) => Some(stored),
            Found::Arriving(_) => self.settle(&key).await?,
            Found::Left { .. } => None,
        };
        Ok(stored.map(|stored| Entry::new(key, stored)))
    }
}

fn owners_of(owners: Option<&dyn Owners>) -> Result<&dyn Owners> {
    owners.ok_or_else(|| Error::new(ErrorKind::Invalid, "a store cannot find the sessions of a user"))
}

/// Cursors of the old store begin with this byte, those of the new one with the next.
const IN_OLD: u8 = 0;
const IN_NEW: u8 = 1;

#[async_trait]
impl Scan for MigratingStore {
    /// Goes through the old store first: a record that moves meanwhile is seen there, or later in the new one.
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let (place, after) = split(after);
        if place == IN_OLD {
            let page = scan_of(&*self.old, "old")?.scan(after.as_ref(), limit).await?;
            let next = match &page.next {
                Some(cursor) => prefixed(IN_OLD, cursor.as_bytes()),
                None => prefixed(IN_NEW, &[]),
            };
            let mut entries = Vec::with_capacity(page.entries.len());
            for entry in page.entries {
                entries.extend(self.as_it_is_now(entry).await?);
            }
            return Ok(Page::new(entries, Some(next)));
        }
        let page = scan_of(&*self.new, "new")?.scan(after.as_ref(), limit).await?;
        let next = page.next.map(|cursor| prefixed(IN_NEW, cursor.as_bytes()));
        let mut entries = Vec::with_capacity(page.entries.len());
        for entry in page.entries {
            entries.extend(self.as_it_is_now_in_new(entry).await?);
        }
        Ok(Page::new(entries, next))
    }

    async fn count(&self) -> Result<u64> {
        let (mut keys, mut after) = (std::collections::HashSet::new(), None);
        loop {
            let page = self.scan(after.as_ref(), 1_000).await?;
            keys.extend(page.entries.into_iter().map(|entry| entry.key));
            after = page.next;
            if after.is_none() {
                return Ok(keys.len() as u64);
            }
        }
    }

    async fn clear(&self) -> Result<u64> {
        let live = self.count().await?;
        // The old one first: a copy whose original is gone is void.
        scan_of(&*self.old, "old")?.clear().await?;
        scan_of(&*self.new, "new")?.clear().await?;
        Ok(live)
    }
}

/// Returns where a cursor leads: to which store, and to what place there.
fn split(cursor: Option<&Cursor>) -> (u8, Option<Cursor>) {
    match cursor.and_then(|cursor| cursor.as_bytes().split_first()) {
        Some((&place, rest)) => (place, (!rest.is_empty()).then(|| Cursor::new(rest.to_vec()))),
        None => (IN_OLD, None),
    }
}

fn prefixed(place: u8, rest: &[u8]) -> Cursor {
    let mut bytes = Vec::with_capacity(1 + rest.len());
    bytes.push(place);
    bytes.extend_from_slice(rest);
    Cursor::new(bytes)
}

#[async_trait]
impl Sweep for MigratingStore {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let mut all = SweepStats::NOTHING;
        for store in [&self.new, &self.old] {
            let left = limit - all.removed.min(limit);
            if let Some(sweep) = store.capabilities().sweep {
                if left == 0 {
                    all.more = true;
                    break;
                }
                all += sweep.sweep(left).await?;
            }
        }
        Ok(all)
    }
}
