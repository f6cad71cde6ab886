//! Records by owner, and revocations.

use std::time::Duration;

use cloakroom_store::{Entry, OwnerKey, Timestamp};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

use crate::error::Failure;
use crate::layout::{began_before, binary, claims_of, entry, mark, micros, remember, revoked_at, withdraw};
use crate::server::{Kind, Server, Statement};

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

impl Server {
    /// Lists the owner's records; finishes a revocation whose process died in the middle of it.
    pub(crate) async fn list(&self, owner: &OwnerKey) -> Result<Vec<Entry>, Failure> {
        let (mut entries, revoked) = self.read_owner(owner).await?;
        let Some(at) = revoked else { return Ok(entries) };
        let ended = |entry: &Entry| entry.stored.record.owner.as_ref().is_some_and(|owner| owner.since <= at);
        if entries.iter().any(ended) {
            self.end(owner, at).await?;
            entries.retain(|entry| !ended(entry));
        }
        Ok(entries)
    }

    /// Removes what the owner began until `at`, for good. In between, others may see some of it gone and some not.
    pub(crate) async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64, Failure> {
        let now = self.now();
        let kept = now.max(at).since(now) + REMEMBERED + self.slack;
        let done = self.carry_out(vec![
            Statement { filter: mark(owner), update: remember(at, kept).into(), kind: Kind::Upsert },
            Statement { filter: claims_of(owner, at), update: withdraw(owner, at).into(), kind: Kind::Many },
        ]);
        match done.await?.failed {
            None => self.end(owner, at).await,
            Some(code) => Err(Failure::of_code(code)),
        }
    }

    /// Removes the records, and counts the live ones among them. To a clock that is behind, the others live too.
    async fn end(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64, Failure> {
        let mut live = began_before(owner, at);
        live.insert("expires_at", doc! { "$gt": micros(self.now()) });
        let removed = self.ask(self.records.delete_many(live)).await?.deleted_count;
        self.ask(self.records.delete_many(began_before(owner, at))).await?;
        Ok(removed)
    }

    /// The owner's live records, and until when what they began is revoked.
    async fn read_owner(&self, owner: &OwnerKey) -> Result<(Vec<Entry>, Option<Timestamp>), Failure> {
        let live = doc! { "owner": binary(owner.as_bytes()), "expires_at": { "$gt": micros(self.now()) } };
        let both = self.records.find(doc! { "$or": [mark(owner), live] });
        let found: Vec<Document> = self.ask(async { both.await?.try_collect().await }).await?;
        let revoked = found.iter().find_map(revoked_at);
        let records = found.into_iter().filter(|document| revoked_at(document).is_none());
        Ok((records.map(entry).collect::<Result<_, _>>()?, revoked))
    }
}
