//! Records by owner, and revocations.
//!
//! An owner's partition has a mark if the owner was revoked, and a note for each of their records. A note is written in
//! one transaction with the record, which also looks at the mark. It is a hint: who follows it reads the record.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use cloakroom_store::{Entry, OwnerKey, StoreKey, Timestamp};

use crate::conditions::{self, Step};
use crate::error::Failure;
use crate::layout::{self, Item, bytes};
use crate::store::DynamoStore;
use crate::transaction::Together;
use crate::unheard::Unheard;

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_hours(24);
/// A request for many items names no more.
const MOST_READ: usize = 100;
/// A transaction has 100 steps: a mark, and two for each record.
const MOST_ENDED: usize = 49;
/// How often an operation looks again because something came in between.
const MOST_ROUNDS: usize = 16;

/// What an owner's notes lead to.
#[derive(Default)]
struct Notes {
    theirs: Vec<Entry>,
    /// Notes of records that are gone, or another's.
    stale: Vec<StoreKey>,
}

impl DynamoStore {
    /// The owner's live records; notes that lead nowhere are removed on the way.
    pub(crate) async fn list_now(&self, owner: &OwnerKey) -> Result<Vec<Entry>, Failure> {
        let now = self.now();
        let Notes { mut theirs, stale } = self.follow_whole(owner).await?;
        theirs.retain(|entry| entry.stored.record.is_live(now));
        for key in stale.iter().take(MOST_ENDED) {
            let steps = vec![conditions::not_theirs(key, owner, now), conditions::forget(owner, key)];
            // Whoever lists next tries again.
            drop(self.together(steps).await);
        }
        Ok(theirs)
    }

    pub(crate) async fn revoke_now(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64, Failure> {
        let mut revocation = Revocation { owner, at, now: self.now(), is_marked: false, live: 0 };
        for _ in 0..MOST_ROUNDS {
            let mut ended = self.follow(owner).await?.theirs;
            ended.retain(|entry| revocation.concerns(entry));
            if revocation.is_marked && ended.is_empty() {
                return Ok(revocation.live);
            }
            let (first, rest) = ended.split_at(ended.len().min(MOST_ENDED));
            self.end(first, &mut revocation).await?;
            for some in rest.chunks(MOST_ENDED) {
                self.end(some, &mut revocation).await?;
            }
        }
        Err(Failure::CONTENDED)
    }

    /// Removes these records, and leaves the mark if it is not there yet; neither if another wrote in between.
    async fn end(&self, ended: &[Entry], revocation: &mut Revocation<'_>) -> Result<(), Failure> {
        match self.together(revocation.steps(ended)).await? {
            Together::Yes => {
                revocation.is_marked = true;
                revocation.live += revocation.live_among(ended);
            }
            // A later revocation is remembered already.
            Together::No(held) if !revocation.is_marked && held.first().is_some_and(Result::is_err) => {
                revocation.is_marked = true;
            }
            Together::No(_) => {}
        }
        Ok(())
    }

    /// Like [`follow`](Self::follow), with all records as they were at one moment: again, if one was gone that was not
    /// before, as another may have come in its place since the notes were read.
    async fn follow_whole(&self, owner: &OwnerKey) -> Result<Notes, Failure> {
        let mut before = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let notes = self.follow(owner).await?;
            if notes.stale == before {
                return Ok(notes);
            }
            before = notes.stale;
        }
        Err(Failure::CONTENDED)
    }

    /// Reads the owner's notes, and the records that they are about.
    async fn follow(&self, owner: &OwnerKey) -> Result<Notes, Failure> {
        let mut notes = Notes::default();
        let keys = self.noted(owner).await?;
        for some in keys.chunks(MOST_READ) {
            let mut found: HashMap<StoreKey, Entry> = HashMap::new();
            for item in self.items(some).await? {
                let entry = layout::entry(&item)?;
                found.insert(entry.key.clone(), entry);
            }
            for key in some {
                let entry = found.remove(key);
                let theirs =
                    entry.filter(|entry| entry.stored.record.owner.as_ref().is_some_and(|o| o.key == *owner));
                match theirs {
                    Some(entry) => notes.theirs.push(entry),
                    None => notes.stale.push(key.clone()),
                }
            }
        }
        Ok(notes)
    }

    async fn noted(&self, owner: &OwnerKey) -> Result<Vec<StoreKey>, Failure> {
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let request = self.client.query().table_name(&self.table).consistent_read(true);
            let request = request.key_condition_expression("pk = :owner AND begins_with(sk, :note)");
            let request = request.expression_attribute_values(":owner", layout::partition_of(owner));
            let request = request.expression_attribute_values(":note", bytes(layout::NOTE));
            let answer = request.set_exclusive_start_key(after).send().unheard().await?;
            keys.extend(answer.items().iter().map(layout::noted).collect::<Result<Vec<_>, _>>()?);
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(keys);
            }
        }
    }

    async fn items(&self, keys: &[StoreKey]) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        let mut wanted: Vec<Item> = keys.iter().map(layout::record_key).collect();
        while !wanted.is_empty() {
            let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(wanted));
            let keys = keys.build().map_err(|_| Failure::DAMAGED)?;
            let answer =
                self.client.batch_get_item().request_items(&self.table, keys).send().unheard().await?;
            items.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            wanted = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys).collect();
        }
        Ok(items)
    }
}

/// How far a revocation got.
struct Revocation<'a> {
    owner: &'a OwnerKey,
    at: Timestamp,
    now: Timestamp,
    /// Whether it is remembered, so that nothing that began before it comes in any more.
    is_marked: bool,
    live: u64,
}

impl Revocation<'_> {
    fn concerns(&self, entry: &Entry) -> bool {
        entry.stored.record.owner.as_ref().is_some_and(|owner| owner.since <= self.at)
    }

    /// The mark if it is missing, and for each record its removal and that of its note.
    fn steps(&self, ended: &[Entry]) -> Vec<Step> {
        let &Self { owner, at, now, is_marked, .. } = self;
        let mark = (!is_marked).then(|| conditions::mark(owner, at, now.max(at) + REMEMBERED, now));
        let both =
            |entry: &Entry| [conditions::end(&entry.key, owner, at), conditions::forget(owner, &entry.key)];
        mark.into_iter().chain(ended.iter().flat_map(both)).collect()
    }

    fn live_among(&self, ended: &[Entry]) -> u64 {
        ended.iter().filter(|entry| entry.stored.record.is_live(self.now)).count() as u64
    }
}
