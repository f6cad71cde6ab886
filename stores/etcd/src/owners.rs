//! Records by owner, and revocations.

use std::time::Duration;

use cloakroom_store::{Bytes, Entry, OwnerKey, Timestamp};

use crate::error::Failure;
use crate::layout::{BATCH, listed, read};
use crate::messages::{KeyValue, TxnRequest, TxnResponse};
use crate::server::Server;
use crate::transaction::{Keys, always, are_until, delete, found, is_of, put, range, revision};

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a step begins again because another wrote in between.
const TRIES: usize = 1000;

/// How far a revocation got.
struct Progress {
    live: u64,
    is_done: bool,
}

impl Server {
    /// Lists the owner's records as they were at one revision.
    pub(crate) async fn list(&self, owner: &OwnerKey) -> Result<Vec<Entry>, Failure> {
        let now = self.now();
        let (start, keys) = (self.layout.owner(owner), self.layout.owned_until(owner, None));
        let response = self.transact(always(vec![range(keys, 0, true, 0)])).await?;
        let at = revision(&response);
        let mut entries = Vec::new();
        for names in found(&response, 0).chunks(BATCH) {
            let keys = names.iter().map(|name| listed(&name.key, &start)).collect::<Result<Vec<_>, _>>()?;
            let gets = keys.iter().map(|key| range(Keys::one(self.layout.record(key)), 0, false, at));
            let records = self.transact(always(gets.collect())).await?;
            for (number, key) in keys.into_iter().enumerate() {
                let Some(there) = found(&records, number).first() else { continue };
                let stored = read(&there.value)?;
                if stored.record.is_live(now) {
                    entries.push(Entry { key, stored });
                }
            }
        }
        Ok(entries)
    }

    /// Leaves a mark and removes what the owner began until `at`, in one step if it is not more than a batch.
    pub(crate) async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64, Failure> {
        let (mut live, mut failures) = (0, 0);
        while failures < TRIES {
            match self.revoke_batch(owner, at).await? {
                None => failures += 1,
                Some(progress) => {
                    live += progress.live;
                    if progress.is_done {
                        return Ok(live);
                    }
                }
            }
        }
        Err(Failure::CROWDED)
    }

    /// `None` if another wrote in between.
    async fn revoke_batch(&self, owner: &OwnerKey, at: Timestamp) -> Result<Option<Progress>, Failure> {
        let now = self.now();
        let lease = self.lease(now, now.max(at) + REMEMBERED).await?;
        let keys = self.layout.owned_until(owner, Some(at));
        let batch = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let seen = self.transact(always(vec![range(keys.clone(), batch, true, 0)])).await?;
        let names = found(&seen, 0);
        let is_done = names.len() < BATCH;
        let keys = match names.last() {
            Some(last) if !is_done => Keys::range(keys.first, [&last.key[..], b"\0"].concat()),
            _ => keys,
        };
        // None of these keys has changed, and there are no others: so each of the records is still the owner's.
        let mut compare = vec![are_until(keys.clone(), revision(&seen))];
        compare.extend(names.iter().map(|name| is_of(name.key.clone(), name.mod_revision)));
        let mut success = self.removals(owner, names)?;
        success.push(delete(keys, false));
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
        Ok(response.succeeded.then(|| Progress { live: live(&response, names.len(), now), is_done }))
    }

    fn removals(
        &self,
        owner: &OwnerKey,
        names: &[KeyValue],
    ) -> Result<Vec<crate::messages::RequestOp>, Failure> {
        let start = self.layout.owner(owner);
        let removal = |name: &KeyValue| {
            let key = listed(&name.key, &start)?;
            Ok(delete(Keys::one(self.layout.record(&key)), true))
        };
        names.iter().map(removal).collect()
    }
}

/// How many of the first operations removed a live record.
fn live(response: &TxnResponse, count: usize, now: Timestamp) -> u64 {
    let removed = (0..count).flat_map(|number| found(response, number));
    let live = removed.filter(|there| read(&there.value).is_ok_and(|stored| stored.record.is_live(now)));
    live.map(|_| 1).sum()
}
