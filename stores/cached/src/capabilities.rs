//! The capabilities of the durable tier; what they change is invalidated in the fast one.

use cloakroom_store::{
    Cursor, HeadPage, OwnerKey, Owners, Page, Result, Scan, Sweep, SweepStats, Timestamp, async_trait,
};

use super::CachedStore;
use super::front::Silent;

#[async_trait]
impl Sweep for CachedStore {
    /// Sweeps both tiers, and counts what expired in the durable one: cached copies do not count as expired sessions.
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let more = self.front.sweep(limit).await;
        match self.backing.capabilities().sweep {
            Some(sweep) => sweep.sweep(limit).await,
            None => Ok(SweepStats::new(0, 0, more)),
        }
    }
}

#[async_trait]
impl Scan for CachedStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.scanner().scan(after, limit).await
    }

    async fn count(&self) -> Result<u64> {
        self.scanner().count().await
    }

    /// Removes the marks of earlier writes too, so no copy from before is used afterwards.
    async fn clear(&self) -> Result<u64> {
        let _unsettled = self.trust.unsettled(None);
        let cleared = self.scanner().clear().await;
        self.front.clear().await;
        cleared
    }
}

#[async_trait]
impl Owners for CachedStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        self.owners().list(owner, after, limit).await
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        if self.passes_through() {
            return self.owners().revoke(owner, at).await;
        }
        let unsettled = self.trust.unsettled(None);
        let removed = self.owners().revoke(owner, at).await;
        if self.revoke_copies(owner, at).await.is_ok() {
            unsettled.settled();
        }
        removed
    }
}

impl CachedStore {
    /// Marks stay where the copies were: a copy that arrives late may be from before it had this owner.
    async fn revoke_copies(&self, owner: &OwnerKey, at: Timestamp) -> Result<(), Silent> {
        let mut after = None;
        loop {
            let page = self.front.list(owner, after.as_ref()).await?;
            for head in &page.heads {
                let seen = self.front.look(&head.key).await;
                self.settle(&head.key, seen, None, at).await?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        self.front.revoke(owner, at).await
    }

    fn scanner(&self) -> &dyn Scan {
        self.backing.capabilities().scan.expect("offered only where the backing tier has it")
    }

    fn owners(&self) -> &dyn Owners {
        self.backing.capabilities().owners.expect("offered only where the backing tier has it")
    }
}
