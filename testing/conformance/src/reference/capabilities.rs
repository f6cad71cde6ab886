//! What the reference can do beyond the contract: everything.

use std::ops::Bound;
use std::time::Duration;

use cloakroom_store::{
    Cursor, Entry, HeadPage, OwnerKey, Owners, Page, Record, RecordHead, Result, Scan, StoreKey, Sweep,
    SweepStats, Timestamp, VersionedRecord, async_trait,
};

use super::Reference;

/// How long a revocation is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

#[async_trait]
impl Sweep for Reference {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        self.step(|inside, now| {
            let expired = |stored: &VersionedRecord| !stored.record.is_live(now);
            let found = inside.records.iter().filter(|(_, stored)| expired(stored));
            let mut keys =
                found.map(|(key, _)| key.clone()).take(limit.saturating_add(1)).collect::<Vec<_>>();
            let more = keys.len() > limit;
            keys.truncate(limit);
            let mut swept = SweepStats::new(0, 0, more);
            for key in &keys {
                inside.records.remove(key).iter().for_each(|stored| swept.count(stored.record.sliding));
            }
            inside.revocations.retain(|_, at| now.since(*at) <= REMEMBERED);
            swept
        })
    }
}

#[async_trait]
impl Scan for Reference {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let after = after.map(|cursor| StoreKey::from_bytes(cursor.as_bytes())).transpose()?;
        self.step(|inside, now| {
            let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let rest = inside.records.range((from, Bound::Unbounded));
            let live = rest.filter(|(_, stored)| stored.record.is_live(now));
            let entries = live.map(entry).take(limit.max(1)).collect::<Vec<_>>();
            let next = entries.last().map(|entry| Cursor::new(entry.key.as_bytes().to_vec()));
            Page::new(entries, next)
        })
    }

    async fn count(&self) -> Result<u64> {
        self.step(|inside, now| count(inside.records.values(), now))
    }

    async fn clear(&self) -> Result<u64> {
        self.step(|inside, now| count(std::mem::take(&mut inside.records).values(), now))
    }
}

#[async_trait]
impl Owners for Reference {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let after = after.map(|cursor| StoreKey::from_bytes(cursor.as_bytes())).transpose()?;
        self.step(|inside, now| {
            let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let rest = inside.records.range((from, Bound::Unbounded));
            let live = rest.filter(|(_, stored)| stored.record.is_live(now));
            let theirs = live.filter(|(_, stored)| since(&stored.record, owner).is_some()).map(entry);
            let most = HeadPage::bounded(limit);
            let heads: Vec<_> = theirs.filter_map(RecordHead::of).take(most).collect();
            let last = heads.last().filter(|_| heads.len() == most);
            let next = last.map(|head| Cursor::new(head.key.as_bytes().to_vec()));
            HeadPage::new(heads, next)
        })
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        self.step(|inside, now| {
            let last = inside.revocations.entry(owner.clone()).or_insert(at);
            *last = at.max(*last);
            let ended =
                |stored: &VersionedRecord| since(&stored.record, owner).is_some_and(|since| since <= at);
            let revoked = count(inside.records.values().filter(|stored| ended(stored)), now);
            inside.records.retain(|_, stored| !ended(stored));
            revoked
        })
    }
}

fn entry((key, stored): (&StoreKey, &VersionedRecord)) -> Entry {
    Entry::new(key.clone(), stored.clone())
}

fn since(record: &Record, owner: &OwnerKey) -> Option<Timestamp> {
    record.owner.as_ref().filter(|of| of.key == *owner).map(|of| of.logged_in_at)
}

fn count<'a>(records: impl Iterator<Item = &'a VersionedRecord>, now: Timestamp) -> u64 {
    records.map(|stored| u64::from(stored.record.is_live(now))).sum()
}
