//! What the store can do beyond the contract: all of it.

use cloakroom_store::{
    Cursor, HeadPage, OwnerKey, Owners, Page, Result, Scan, Sweep, SweepStats, Timestamp, async_trait,
};

use crate::database::Database;
use crate::scan::After;
use crate::store::SqliteStore;
use crate::sweep::Rest;

/// Short transactions, between which others write: a sweep that is dropped has removed what it removed.
#[async_trait]
impl Sweep for SqliteStore {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let mut swept = SweepStats::NOTHING;
        loop {
            let left = limit - swept.removed;
            let progress = self.writer.run(move |database| database.sweep(left)).await?;
            swept += progress.swept;
            match progress.rest {
                Rest::Unknown => {}
                rest => return Ok(swept.with_more(rest == Rest::Some)),
            }
        }
    }
}

#[async_trait]
impl Scan for SqliteStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let after = After::read(after)?;
        self.readers().run(move |database| database.scan(after, limit)).await
    }

    async fn count(&self) -> Result<u64> {
        self.readers().run(Database::count).await
    }

    async fn clear(&self) -> Result<u64> {
        self.writer.run(Database::clear).await
    }
}

#[async_trait]
impl Owners for SqliteStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let (owner, after) = (owner.clone(), After::read(after)?);
        self.readers().run(move |database| database.list(&owner, after, limit)).await
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let owner = owner.clone();
        self.writer.run(move |database| database.revoke(&owner, at)).await
    }
}
