//! Records by owner, and revocations.
//!
//! An owner's partition has a mark if the owner was revoked, and a note for each of their records. A note is written in
//! one transaction with the record, which also looks at the mark. It is a hint: the record itself decides.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use cloakroom_store::{Cursor, Entry, HeadPage, OwnerKey, RecordHead, StoreKey, Timestamp};

use crate::conditions::{self, Step};
use crate::error::Failure;
use crate::layout::{self, Item, bytes};
use crate::store::DynamoStore;
use crate::transaction::{Backoff, Together};
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
    /// Returns a page of the owner's live records in the order of their keys; the cursor is the last key of the page
    /// before. Notes that lead nowhere are removed on the way.
    pub(crate) async fn list_now(
        &self,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage, Failure> {
        let (now, most) = (self.now(), limit.clamp(1, MOST_READ));
        let after = after.map(|cursor| StoreKey::from_bytes(cursor.as_bytes())).transpose();
        let after = after.map_err(|_| Failure::WRONG_CURSOR)?;
        let (Notes { theirs, stale }, last) = self.follow_whole(owner, after.as_ref(), most).await?;
        for key in stale.iter().take(MOST_ENDED) {
            let steps = vec![conditions::not_theirs(key, owner, now), conditions::forget(owner, key)];
            // If this fails, the next list tries again.
            drop(self.together(steps).await);
        }
        let next = last.map(|key| Cursor::new(key.as_bytes().to_vec()));
        let heads = theirs.into_iter().filter_map(RecordHead::of).filter(|head| head.is_live(now));
        Ok(HeadPage::new(heads.collect(), next))
    }

    pub(crate) async fn revoke_now(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64, Failure> {
        let mut revocation = Revocation { owner, at, now: self.now(), is_marked: false, live: 0 };
        for _ in 0..MOST_ROUNDS {
            // What came in before the mark may lie behind where this pass had been by then: one more has to find nothing.
            let was_marked = revocation.is_marked;
            if self.end_all(&mut revocation).await? == 0 && was_marked {
                return Ok(revocation.live);
            }
        }
        Err(Failure::CONTENDED)
    }

    /// Goes through all of the owner's records once; returns how many of them it tried to end.
    async fn end_all(&self, revocation: &mut Revocation<'_>) -> Result<usize, Failure> {
        let (mut after, mut tried) = (None, 0);
        loop {
            let (keys, is_last) = self.noted(revocation.owner, after.as_ref(), MOST_ENDED).await?;
            let mut ended = self.follow(revocation.owner, &keys).await?.theirs;
            ended.retain(|entry| revocation.concerns(entry));
            if !ended.is_empty() || !revocation.is_marked {
                self.end(&ended, revocation).await?;
            }
            tried += ended.len();
            after = keys.last().cloned();
            if is_last {
                return Ok(tried);
            }
        }
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

    /// Reads a page of notes and follows them, with all records as they were at one moment: reads both again, if a record
    /// was gone that was not before, as another may have come in its place since the notes were read. Returns the last
    /// note's key too, unless there are no more.
    async fn follow_whole(
        &self,
        owner: &OwnerKey,
        after: Option<&StoreKey>,
        most: usize,
    ) -> Result<(Notes, Option<StoreKey>), Failure> {
        let mut before = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let (mut keys, is_last) = self.noted(owner, after, most).await?;
            let notes = self.follow(owner, &keys).await?;
            if notes.stale == before {
                return Ok((notes, keys.pop().filter(|_| !is_last)));
            }
            before = notes.stale;
        }
        Err(Failure::CONTENDED)
    }

    /// Reads the records that these notes of the owner's are about.
    async fn follow(&self, owner: &OwnerKey, keys: &[StoreKey]) -> Result<Notes, Failure> {
        let mut notes = Notes::default();
        let mut found: HashMap<StoreKey, Entry> = HashMap::new();
        for item in self.items(keys).await? {
            let entry = layout::entry(&item)?;
            found.insert(entry.key.clone(), entry);
        }
        for key in keys {
            let entry = found.remove(key);
            let theirs =
                entry.filter(|entry| entry.stored.record.owner.as_ref().is_some_and(|o| o.key == *owner));
            match theirs {
                Some(entry) => notes.theirs.push(entry),
                None => notes.stale.push(key.clone()),
            }
        }
        Ok(notes)
    }

    /// Returns the keys of some of the owner's notes, and whether they are the last.
    async fn noted(
        &self,
        owner: &OwnerKey,
        after: Option<&StoreKey>,
        most: usize,
    ) -> Result<(Vec<StoreKey>, bool), Failure> {
        let request = self.client.query().table_name(&self.table).consistent_read(true);
        let request = request.key_condition_expression("pk = :owner AND begins_with(sk, :note)");
        let request = request.expression_attribute_values(":owner", layout::partition_of(owner));
        let request = request.expression_attribute_values(":note", bytes(layout::NOTE));
        let request = request.limit(i32::try_from(most).unwrap_or(i32::MAX));
        let after = after.map(|key| layout::note_key(owner, key));
        let answer = request.set_exclusive_start_key(after).send().unheard().await?;
        let keys = answer.items().iter().map(layout::noted).collect::<Result<Vec<_>, _>>()?;
        Ok((keys, answer.last_evaluated_key.is_none()))
    }

    /// Returns the items of these records, without what is behind the beginnings of their payloads.
    async fn items(&self, keys: &[StoreKey]) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        let mut wanted: Vec<Item> = keys.iter().map(layout::record_key).collect();
        let mut backoff = Backoff::new();
        while !wanted.is_empty() {
            let asked = wanted.len();
            let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(wanted));
            let keys = keys.projection_expression(layout::LISTED);
            let keys = keys.build().map_err(|_| Failure::DAMAGED)?;
            let answer =
                self.client.batch_get_item().request_items(&self.table, keys).send().unheard().await?;
            items.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            wanted = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys).collect();
            if !wanted.is_empty() {
                backoff.before_the_rest(wanted.len() < asked).await?;
            }
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
        entry.stored.record.owner.as_ref().is_some_and(|owner| owner.logged_in_at <= self.at)
    }

    /// Returns the mark if it is missing, and for each record its removal and that of its note.
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
