//! Records by owner, and revocations.

use std::time::Duration;

use cloakroom_store::{Bytes, Cursor, HeadPage, Owner, OwnerKey, RecordHead, Timestamp};

use crate::error::Failure;
use crate::layout::{BATCH, read_head};
use crate::messages::TxnRequest;
use crate::server::Server;
use crate::transaction::{Keys, always, are_until, delete, found, is_of, put, range, revision};

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a step begins again because another wrote in between.
const TRIES: usize = 1000;

/// How far a revocation got.
struct Progress {
    live: u64,
    /// The last of the owner's keys that were looked at, unless they were the last of all.
    next: Option<Vec<u8>>,
}

impl Server {
    /// Lists a page in the order of the keys; the cursor is the last key of the page before.
    pub(crate) async fn list(
        &self,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage, Failure> {
        let (now, most) = (self.now(), HeadPage::bounded(limit));
        let (heads, _) = self.heads_after(owner, after.map_or(&[][..], Cursor::as_bytes), most).await?;
        let last = heads.last().filter(|_| heads.len() == most);
        let next = last.map(|(head, _)| Cursor::new(head.key.as_bytes().to_vec()));
        let heads = heads.into_iter().map(|(head, _)| head).filter(|head| head.is_live(now));
        Ok(HeadPage::new(heads.collect(), next))
    }

    /// Some of the owner's records, each with the revision of what lists it, and the revision that they are of.
    async fn heads_after(
        &self,
        owner: &OwnerKey,
        key: &[u8],
        most: usize,
    ) -> Result<(Vec<(RecordHead, i64)>, i64), Failure> {
        let (start, keys) = (self.layout.owner(owner), self.layout.owned_after(owner, key));
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let response = self.transact(always(vec![range(keys, limit, false, 0)])).await?;
        let heads = found(&response, 0).iter();
        let heads = heads.map(|there| Ok((read_head(there, &start)?, there.mod_revision)));
        Ok((heads.collect::<Result<_, Failure>>()?, revision(&response)))
    }

    /// Leaves a mark and removes what the owner began until `at`, in one step if the owner has no more than a batch.
    pub(crate) async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64, Failure> {
        let (mut live, mut failures, mut after) = (0, 0, Vec::new());
        while failures < TRIES {
            match self.revoke_batch(owner, at, &after).await? {
                None => failures += 1,
                Some(progress) => {
                    live += progress.live;
                    let Some(next) = progress.next else { return Ok(live) };
                    after = next;
                }
            }
        }
        Err(Failure::CROWDED)
    }

    /// Goes through the owner's next records; `None` if another wrote in between.
    async fn revoke_batch(
        &self,
        owner: &OwnerKey,
        at: Timestamp,
        after: &[u8],
    ) -> Result<Option<Progress>, Failure> {
        let now = self.now();
        let lease = self.lease(now, now.max(at) + REMEMBERED).await?;
        let (heads, seen_at) = self.heads_after(owner, after, BATCH).await?;
        let next =
            heads.last().filter(|_| heads.len() == BATCH).map(|(head, _)| head.key.as_bytes().to_vec());
        let ended: Vec<_> = heads.iter().filter(|(head, _)| head.logged_in_at <= at).collect();
        // None of the keys has changed, and there are no others: so each of the records is still the owner's.
        let mut compare = vec![are_until(self.owned_between(owner, after, next.as_deref()), seen_at)];
        let mut success = Vec::new();
        for (head, revision) in &ended {
            let listed = self.layout.owned(&Owner::new(owner.clone(), head.logged_in_at), &head.key);
            compare.push(is_of(listed.clone(), *revision));
            success.push(delete(Keys::one(listed), false));
            success.push(delete(Keys::one(self.layout.record(&head.key)), false));
        }
        success.push(delete(self.layout.marks_before(owner, at), false));
        success.push(put(self.layout.mark(owner, at), Bytes::new(), lease));
        let response = self.transact(TxnRequest { compare, success, failure: Vec::new() }).await;
        let response = match response {
            Err(failure) if failure.is_lease_gone() => {
                self.leases.forget();
                return Ok(None);
            }
            response => response?,
        };
        let live = ended.iter().map(|(head, _)| u64::from(head.is_live(now))).sum();
        Ok(response.succeeded.then_some(Progress { live, next }))
    }

    /// Returns the owner's keys after one record, up to another's, which is among them, or to the last.
    fn owned_between(&self, owner: &OwnerKey, after: &[u8], last: Option<&[u8]>) -> Keys {
        let all = self.layout.owned_after(owner, after);
        match last {
            Some(last) => Keys::range(all.first, self.layout.owned_after(owner, last).first),
            None => all,
        }
    }
}
