//! What the store can do beyond the contract: all of it.

use cloakroom_store::{
    Cursor, HeadPage, OwnerKey, Owners, Page, Result, Scan, Sweep, SweepStats, Timestamp, async_trait,
};

use crate::layout::{DUE, OWNERS, RECORDS};
use crate::store::RedbStore;
use crate::sweep::Rest;
use crate::{owners, scan};

/// Short transactions, between which others write: a sweep that is dropped has removed what it removed.
#[async_trait]
impl Sweep for RedbStore {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let mut swept = SweepStats::NOTHING;
        loop {
            let left = limit - swept.removed;
            let progress = self.write(move |tables| tables.sweep(left)).await?;
            swept += progress.swept;
            match progress.rest {
                Rest::Unknown => {}
                rest => return Ok(swept.with_more(rest == Rest::Some)),
            }
        }
    }
}

#[async_trait]
impl Scan for RedbStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let after = after.cloned();
        self.look(move |shared| {
            shared.read(|look| scan::page(&look.open_table(RECORDS)?, after.as_ref(), limit, shared.now()))
        })
        .await
    }

    async fn count(&self) -> Result<u64> {
        self.look(|shared| {
            shared.read(|look| scan::count(&look.open_table(RECORDS)?, &look.open_table(DUE)?, shared.now()))
        })
        .await
    }

    async fn clear(&self) -> Result<u64> {
        self.write(|tables| tables.clear()).await
    }
}

#[async_trait]
impl Owners for RedbStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let (owner, after) = (owner.clone(), after.cloned());
        self.look(move |shared| {
            shared.read(|look| {
                let (owners, records) = (look.open_table(OWNERS)?, look.open_table(RECORDS)?);
                owners::list(&owners, &records, &owner, after.as_ref(), limit, shared.now())
            })
        })
        .await
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let owner = owner.clone();
        self.write(move |tables| tables.revoke(&owner, at)).await
    }
}
