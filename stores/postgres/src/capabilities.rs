//! What the store can do beyond the contract: all of it.

use cloakroom_store::{
    Cursor, HeadPage, OwnerKey, Owners, Page, Result, Scan, Sweep, SweepStats, Timestamp, async_trait,
};

use crate::store::PostgresStore;

#[async_trait]
impl Sweep for PostgresStore {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        self.sweep_up_to(limit).await
    }
}

#[async_trait]
impl Scan for PostgresStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.page(after, limit).await
    }

    async fn count(&self) -> Result<u64> {
        self.count_live().await
    }

    async fn clear(&self) -> Result<u64> {
        self.clear_all().await
    }
}

#[async_trait]
impl Owners for PostgresStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        self.list_of(owner, after, limit).await
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        self.revoke_all_of(owner, at).await
    }
}
