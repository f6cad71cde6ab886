//! A future that is dropped before it is ready leaves the step either done or not begun.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cloakroom_store::{OwnerKey, StoreKey, VersionedRecord};

use super::crowd::{incremented, number, update_by};
use crate::cases::listing::list_all;
use crate::cases::payloads::noise;
use crate::expect::{ensure, same};
use crate::failure::{Failure, Outcome};
use crate::trial::Trial;

/// A future is dropped after none, one, two ... polls, up to this number.
const POLLS: usize = 12;

/// Polls the future so often, each time when it asks for it, and drops it after the last.
async fn abandon(future: impl Future, polls: usize) {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        let ready = left > 0 && future.as_mut().poll(context).is_ready();
        left = left.saturating_sub(1);
        if ready || left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// An update that is dropped has replaced the whole record, or nothing of it.
pub(crate) async fn a_dropped_update_is_done_or_not_begun(t: &Trial<'_>) -> Outcome {
    for polls in 0..POLLS {
        let (from, to) = (t.owner()?, t.owner()?);
        let before = t.record_of(&from, t.at(100));
        let after = t
            .record_of(&to, t.at(200))
            .with_payload(noise(20_000))
            .with_expires_at(t.late() + Duration::from_secs(60));
        let (key, version) = t.kept(&before).await?;
        abandon(t.store.update(&key, version, &after), polls).await;
        let (stored, [with_from, with_to]) = settled(t, &key, [&from, &to]).await?;
        let stored = stored.ok_or_else(|| Failure::answer("a dropped update removed the record"))?;
        let done = stored.version != version;
        ensure(
            stored.record == if done { after } else { before },
            "a dropped update left parts of two records",
        )?;
        if t.owners().is_ok() {
            same("whether the record is in the list of its owner of before", &with_from, &!done)?;
            same("whether the record is in the list of its new owner", &with_to, &done)?;
        }
        goes_on(t, &key).await?;
    }
    Ok(())
}

/// A create that is dropped has made the whole record, or none.
pub(crate) async fn a_dropped_create_is_done_or_not_begun(t: &Trial<'_>) -> Outcome {
    for polls in 0..POLLS {
        let (key, owner) = (t.key(), t.owner()?);
        let record = t.record_of(&owner, t.at(100)).with_payload(noise(20_000));
        abandon(t.store.create(&key, &record), polls).await;
        let (stored, [listed, _]) = settled(t, &key, [&owner, &owner]).await?;
        let done = stored.is_some();
        ensure(
            stored.is_none_or(|stored| stored.record == record),
            "a dropped create made a part of a record",
        )?;
        if t.owners().is_ok() {
            same("whether the record is in the list of its owner", &listed, &done)?;
        }
        goes_on(t, &key).await?;
    }
    Ok(())
}

/// A delete that is dropped has removed the whole record, or nothing of it.
pub(crate) async fn a_dropped_delete_is_done_or_not_begun(t: &Trial<'_>) -> Outcome {
    for polls in 0..POLLS {
        let owner = t.owner()?;
        let record = t.record_of(&owner, t.at(100));
        let (key, version) = t.kept(&record).await?;
        abandon(t.store.delete(&key), polls).await;
        let (stored, [listed, _]) = settled(t, &key, [&owner, &owner]).await?;
        if t.owners().is_ok() {
            same("whether the record is in the list of its owner", &listed, &stored.is_some())?;
        }
        let whole = stored.is_none_or(|stored| stored == VersionedRecord::new(record.clone(), version));
        ensure(whole, "a dropped delete left a part of the record")?;
        goes_on(t, &key).await?;
    }
    Ok(())
}

/// What is there, and whether it is in the lists of these owners. The step may still be under way in the store, so
/// this looks again until nothing changes between two looks.
async fn settled(
    t: &Trial<'_>,
    key: &StoreKey,
    owners: [&OwnerKey; 2],
) -> Outcome<(Option<VersionedRecord>, [bool; 2])> {
    let mut before = t.store.load(key, None).await?;
    for _ in 0..100 {
        let mut listed = [false; 2];
        if let Ok(capability) = t.owners() {
            for (listed, owner) in listed.iter_mut().zip(owners) {
                *listed = list_all(capability, owner).await?.contains_key(key);
            }
        }
        let after = t.store.load(key, None).await?;
        if before == after {
            return Ok((after, listed));
        }
        before = after;
    }
    Err(Failure::answer("the record changes again and again after a dropped future").into())
}

/// The key can be written again; nothing is locked, or half done.
///
/// A step that was sent to a server may still arrive once, between any two of these; so this tries twice.
async fn goes_on(t: &Trial<'_>, key: &StoreKey) -> Outcome {
    let mut last = None;
    for _ in 0..2 {
        drop(t.store.create(key, &t.record()).await?);
        update_by(&*t.store, key, |record| record.clone().with_payload("41")).await?;
        update_by(&*t.store, key, incremented).await?;
        last = t.store.load(key, None).await?.map(|stored| number(&stored.record));
        if last == Some(42) {
            break;
        }
    }
    same("the number in the record, written after a dropped future", &last, &Some(42))
}
