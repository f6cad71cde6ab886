//! What the store can do beyond the contract. DynamoDB collects by itself what expired.

use cloakroom_store::{Cursor, HeadPage, OwnerKey, Owners, Page, Result, Scan, Timestamp, async_trait};

use crate::store::DynamoStore;

#[async_trait]
impl Scan for DynamoStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        Ok(self.page(after, limit).await?)
    }

    async fn count(&self) -> Result<u64> {
        Ok(self.count_now().await?)
    }

    async fn clear(&self) -> Result<u64> {
        Ok(self.clear_now().await?)
    }
}

#[async_trait]
impl Owners for DynamoStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        Ok(self.list_now(owner, after, limit).await?)
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        Ok(self.revoke_now(owner, at).await?)
    }
}
