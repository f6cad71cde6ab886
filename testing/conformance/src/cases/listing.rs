//! An owner's records are listed in pages, as heads.

use std::collections::BTreeMap;
use std::time::Duration;

use cloakroom_store::{
    Cursor, HeadPage, Owner, OwnerKey, Owners, Record, RecordHead, StoreKey, Timestamp, Version,
};

use crate::Limits;
use crate::expect::{created, ensure, same, there, updated};
use crate::failure::{Failure, Outcome};
use crate::trial::Trial;

/// The heads of an owner's records by key.
pub(crate) type Heads = BTreeMap<StoreKey, RecordHead>;

/// How many pages a list may have before it must be going in circles.
const MOST_PAGES: u32 = 10_000;

/// A list, page by page.
pub(crate) struct Pages<'s> {
    owners: &'s dyn Owners,
    owner: &'s OwnerKey,
    limit: usize,
    next: Option<Cursor>,
    left: u32,
}

impl<'s> Pages<'s> {
    pub(crate) fn of(owners: &'s dyn Owners, owner: &'s OwnerKey, limit: usize) -> Self {
        Self { owners, owner, limit, next: None, left: MOST_PAGES }
    }

    /// Returns the next page and whether it was the last.
    pub(crate) async fn turn(&mut self) -> Outcome<(Vec<RecordHead>, bool)> {
        let HeadPage { heads, next, .. } =
            self.owners.list(self.owner, self.next.as_ref(), self.limit).await?;
        self.left = self.left.checked_sub(1).ok_or_else(|| Failure::answer("the list does not end"))?;
        self.next = next;
        Ok((heads, self.next.is_none()))
    }
}

/// Returns all heads of a list with pages of about `limit`. A key may come twice where records change meanwhile.
pub(crate) async fn pages(owners: &dyn Owners, owner: &OwnerKey, limit: usize) -> Outcome<Vec<RecordHead>> {
    let (mut pages, mut seen) = (Pages::of(owners, owner, limit), Vec::new());
    loop {
        let (heads, last) = pages.turn().await?;
        seen.extend(heads);
        if last {
            return Ok(seen);
        }
    }
}

/// Returns an owner's list by key.
pub(crate) async fn list_all(owners: &dyn Owners, owner: &OwnerKey) -> Outcome<Heads> {
    Ok(by_key(pages(owners, owner, 100).await?))
}

pub(crate) fn by_key(heads: impl IntoIterator<Item = RecordHead>) -> Heads {
    heads.into_iter().map(|head| (head.key.clone(), head)).collect()
}

/// Fails unless the head is there and shows this record in this version.
#[track_caller]
pub(crate) fn shows(
    limits: &Limits,
    head: Option<&RecordHead>,
    record: &Record,
    version: Version,
) -> Outcome {
    let Some(head) = head else { return Err(Failure::answer("a record of the owner is not listed").into()) };
    same("the version", &head.version, &version)?;
    shows_record(limits, head, record)
}

/// Fails unless the head shows this record.
#[track_caller]
pub(crate) fn shows_record(limits: &Limits, head: &RecordHead, record: &Record) -> Outcome {
    same("the expiry", &head.expires_at, &record.expires_at)?;
    same("whether it slides", &head.sliding, &record.sliding)?;
    let since = record.owner.as_ref().map(|owner| owner.logged_in_at);
    same("since when it is the owner's", &Some(head.logged_in_at), &since)?;
    let shown = &record.payload[..record.payload.len().min(limits.shown_payload_bytes)];
    ensure(head.payload_head == shown, "the beginning of the payload has other bytes, or another length")
}

async fn several(t: &Trial<'_>, owner: &OwnerKey, count: u64) -> Outcome<Vec<StoreKey>> {
    let mut keys = Vec::new();
    for number in 0..count {
        keys.push(t.kept(&t.record_of(owner, t.at(100 + number))).await?.0);
    }
    Ok(keys)
}

#[track_caller]
fn all_seen(seen: &Heads, keys: &[StoreKey]) -> Outcome {
    let unseen = keys.iter().filter(|key| !seen.contains_key(key)).count();
    same("the number of records that the list does not have", &unseen, &0)
}

/// A list read in pages of any size has every record of the owner.
pub(crate) async fn list_in_pages_of_any_size_has_every_record(t: &Trial<'_>) -> Outcome {
    let (owners, owner, other) = (t.owners()?, t.owner()?, t.owner()?);
    let keys = several(t, &owner, 25).await?;
    several(t, &other, 5).await?;
    for limit in [usize::MAX, 100, 25, 24, 7, 1, 0] {
        let seen = by_key(pages(owners, &owner, limit).await?);
        all_seen(&seen, &keys)?;
        same("the number of records in the list", &seen.len(), &keys.len())?;
    }
    Ok(())
}

/// A page of a list has about as many records as were asked for.
pub(crate) async fn a_page_of_a_list_is_about_as_long_as_asked(t: &Trial<'_>) -> Outcome {
    let (owners, owner) = (t.owners()?, t.owner()?);
    several(t, &owner, 120).await?;
    let mut pages = Pages::of(owners, &owner, 5);
    loop {
        let (heads, last) = pages.turn().await?;
        ensure(heads.len() <= 50, "a page has more than ten times the records asked for")?;
        if last {
            return Ok(());
        }
    }
}

/// A list shows the first 512 bytes of a payload, or all of it if it is shorter.
pub(crate) async fn a_list_shows_the_beginning_of_a_payload_and_no_more(t: &Trial<'_>) -> Outcome {
    let (owners, owner) = (t.owners()?, t.owner()?);
    let mut kept = Vec::new();
    for size in [0, 1, 511, 512, 513, 1_025, 30_000] {
        let payload: Vec<u8> = (0..size).map(|at: u32| at.wrapping_mul(31).to_le_bytes()[0]).collect();
        let record = t.record_of(&owner, t.at(100)).with_payload(payload);
        let (key, version) = t.kept(&record).await?;
        kept.push((key, record, version));
    }
    let heads = list_all(owners, &owner).await?;
    for (key, record, version) in &kept {
        shows(&t.limits, heads.get(key), record, *version)?;
        same("the whole record", &there(t.store.load(key, None).await?)?.record, record)?;
    }
    // The longest becomes the shortest, and the other way round.
    let mut turned = kept.iter().map(|(.., record, _)| record.clone()).rev().collect::<Vec<_>>();
    for ((key, record, version), other) in kept.iter_mut().zip(turned.drain(..)) {
        *version = updated(t.store.update(key, *version, &other).await?)?;
        *record = other;
    }
    let heads = list_all(owners, &owner).await?;
    for (key, record, version) in &kept {
        shows(&t.limits, heads.get(key), record, *version)?;
        ensure(
            there(t.store.load(key, None).await?)?.record.payload == record.payload,
            "another payload came back",
        )?;
    }
    Ok(())
}

/// A record that is live and the owner's from the first page to the last is listed, whatever changes between the pages.
pub(crate) async fn list_has_what_stays_whatever_changes_between_pages(t: &Trial<'_>) -> Outcome {
    let (owners, owner, other) = (t.owners()?, t.owner()?, t.owner()?);
    let stay = several(t, &owner, 40).await?;
    let (mut leave, mut coming) = (several(t, &owner, 20).await?, t.keys(20));
    let mut pages = Pages::of(owners, &owner, 3);
    let (mut seen, mut round) = (Heads::new(), 0);
    loop {
        let (heads, last) = pages.turn().await?;
        seen.extend(by_key(heads));
        if last {
            return all_seen(&seen, &stay);
        }
        for (number, gone) in leave.drain(..leave.len().min(2)).enumerate() {
            if number == 0 {
                there(t.store.delete(&gone).await?)?;
            } else {
                give_to(t, &gone, &other, t.at(100)).await?;
            }
        }
        for come in coming.drain(..coming.len().min(2)) {
            created(t.store.create(&come, &t.record_of(&owner, t.at(100))).await?)?;
        }
        change_some(t, &stay, &owner, round).await?;
        round += 1;
    }
}

async fn give_to(t: &Trial<'_>, key: &StoreKey, owner: &OwnerKey, since: Timestamp) -> Outcome {
    let Some(stored) = t.store.load(key, None).await? else { return Ok(()) };
    let owner = Some(Owner::new(owner.clone(), since));
    updated(t.store.update(key, stored.version, &stored.record.with_owner(owner)).await?)?;
    Ok(())
}

/// Touches some of the records, and updates others: with a later `logged_in_at`, and with an earlier one.
async fn change_some(t: &Trial<'_>, keys: &[StoreKey], owner: &OwnerKey, round: u64) -> Outcome {
    let first = usize::try_from(round % 5).unwrap_or_default();
    for (number, key) in keys.iter().enumerate().skip(first).step_by(5) {
        let since = t.at(if number % 2 == 0 { 50 - round % 50 } else { 500 + round });
        give_to(t, key, owner, since).await?;
    }
    for key in keys.iter().skip(first).step_by(7) {
        ensure(t.store.touch(key, t.late()).await?, "touch answered that there is no record")?;
    }
    Ok(())
}

/// A list goes on although the record where its last page ended is deleted.
pub(crate) async fn a_list_goes_on_after_its_last_record_is_deleted(t: &Trial<'_>) -> Outcome {
    let (owners, owner) = (t.owners()?, t.owner()?);
    let keys = several(t, &owner, 12).await?;
    let (mut pages, mut seen) = (Pages::of(owners, &owner, 1), Heads::new());
    loop {
        let (heads, last) = pages.turn().await?;
        for head in heads {
            t.store.delete(&head.key).await?;
            seen.insert(head.key.clone(), head);
        }
        if last {
            return all_seen(&seen, &keys);
        }
    }
}

/// A list does not show a record that was deleted, or given to another owner, before its page was asked for.
pub(crate) async fn a_page_of_a_list_shows_nothing_that_ended_before_it(t: &Trial<'_>) -> Outcome {
    let (owners, owner, other) = (t.owners()?, t.owner()?, t.owner()?);
    several(t, &owner, 12).await?;
    let mut pages = Pages::of(owners, &owner, 4);
    let (first, last) = pages.turn().await?;
    if last {
        return Ok(());
    }
    let seen = by_key(first);
    let rest = list_all(owners, &owner).await?.into_keys().filter(|key| !seen.contains_key(key));
    for (number, key) in rest.enumerate() {
        if number % 2 == 0 {
            there(t.store.delete(&key).await?)?;
        } else {
            give_to(t, &key, &other, t.at(100)).await?;
        }
    }
    loop {
        let (heads, last) = pages.turn().await?;
        let ended = heads.iter().any(|head| !seen.contains_key(&head.key));
        ensure(!ended, "a page shows a record that is not the owner's any more")?;
        if last {
            return Ok(());
        }
    }
}

/// A page of a list shows what updated records are at the time of the page.
pub(crate) async fn a_page_of_a_list_shows_records_as_they_are_at_its_time(t: &Trial<'_>) -> Outcome {
    let (owners, owner) = (t.owners()?, t.owner()?);
    let keys = several(t, &owner, 12).await?;
    let mut pages = Pages::of(owners, &owner, 4);
    let (_, mut last) = pages.turn().await?;
    let mut now = BTreeMap::new();
    for key in keys {
        let record = t.record_of(&owner, t.at(100) + Duration::from_micros(7)).with_expires_at(t.late());
        let stored = there(t.store.load(&key, None).await?)?;
        let version = updated(t.store.update(&key, stored.version, &record).await?)?;
        now.insert(key, (record, version));
    }
    while !last {
        let (heads, end) = pages.turn().await?;
        for head in &heads {
            let due = now.get(&head.key);
            let (record, version) =
                due.ok_or_else(|| Failure::answer("a page has a record of another owner"))?;
            shows(&t.limits, Some(head), record, *version)?;
        }
        last = end;
    }
    Ok(())
}
