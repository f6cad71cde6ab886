//! Records by owner, and revocations.

use std::time::Duration;

use cloakroom_store::{Cursor, HeadPage, OwnerKey, RecordHead, Timestamp};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

use crate::error::Failure;
use crate::layout::{began_before, binary, claims_of, entry, mark, micros, remember, revoked_at, withdraw};
use crate::server::{Kind, Server, Statement};

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

impl Server {
    /// Lists a page of the owner's records in the order of their keys, and none that was revoked; finishes a revocation whose
    /// process died in the middle of it. The cursor is the last key of the page before.
    pub(crate) async fn list(
        &self,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage, Failure> {
        let (mut heads, next, revoked) = self.read_page(owner, after, HeadPage::bounded(limit)).await?;
        if let Some(at) = revoked
            && heads.iter().any(|head| head.logged_in_at <= at)
        {
            heads.retain(|head| head.logged_in_at > at);
            // One that was made just now is still at it, and counts what it ends.
            if self.now().since(at) > self.timeout {
                self.end(owner, at).await?;
            }
        }
        heads.retain(|head| head.is_live(self.now()));
        Ok(HeadPage::new(heads, next))
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

    /// Returns a page of the owner's records, live or not, where the next one begins, and until when what they began is
    /// revoked.
    async fn read_page(
        &self,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        most: usize,
    ) -> Result<(Vec<RecordHead>, Option<Cursor>, Option<Timestamp>), Failure> {
        let after = after.map_or(&[][..], Cursor::as_bytes);
        let theirs = doc! { "owner": binary(owner.as_bytes()), "_id": { "$gt": binary(after) } };
        let both = self.records.find(doc! { "$or": [mark(owner), theirs] });
        // The mark comes first, as its name is not binary.
        let both = both.sort(doc! { "_id": 1 }).limit(i64::try_from(most + 1).unwrap_or(i64::MAX));
        let both = both.projection(doc! { "rest": 0, "claims": 0, "collect_at": 0 });
        let found: Vec<Document> = self.ask(async { both.await?.try_collect().await }).await?;
        let revoked = found.iter().find_map(revoked_at);
        let records = found.into_iter().filter(|document| revoked_at(document).is_none()).take(most);
        let entries = records.map(entry).collect::<Result<Vec<_>, _>>()?;
        let last = entries.last().filter(|_| entries.len() == most);
        let next = last.map(|entry| Cursor::new(entry.key.as_bytes().to_vec()));
        Ok((entries.into_iter().filter_map(RecordHead::of).collect(), next, revoked))
    }
}
