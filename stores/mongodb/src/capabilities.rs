//! What the store can do beyond the contract. The server removes by itself what has expired, so there is no sweep.

use cloakroom_store::{Cursor, HeadPage, OwnerKey, Owners, Page, Result, Scan, Timestamp, async_trait};

use crate::error::Failure;
use crate::store::MongoStore;

#[async_trait]
impl Scan for MongoStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        Ok(self.server.scan(after, limit).await?)
    }

    async fn count(&self) -> Result<u64> {
        Ok(self.server.count().await?)
    }

    async fn clear(&self) -> Result<u64> {
        Ok(self.server.clear().await?)
    }
}

#[async_trait]
impl Owners for MongoStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        Ok(self.server.list(owner, after, limit).await?)
    }

    /// Revokes in a task that goes on to its end even if the caller drops the future.
    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let (server, owner) = (self.server.clone(), owner.clone());
        let revoked = tokio::spawn(async move { server.revoke(&owner, at).await }).await;
        Ok(revoked.map_err(|_| Failure::STOPPED)??)
    }
}
