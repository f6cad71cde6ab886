//! Two kinds of writes to one record at once: neither undoes the other.

use std::time::Duration;

use cloakroom_store::{Record, Store, StoreKey, Timestamp, Touch};

use super::crowd::{Crowd, incremented, jostle, number, stored_number, update_by};
use crate::cases::payloads::noise;
use crate::expect::{created, ensure, missing, same, there, updated};
use crate::failure::Outcome;
use crate::trial::Trial;

const ROUNDS: usize = 12;

/// Touches the record by itself or while loading it, and says whether there is one.
async fn touch(store: &dyn Store, key: &StoreKey, loading: bool, expires_at: Timestamp) -> Outcome<bool> {
    if !loading {
        return Ok(store.touch(key, expires_at).await?);
    }
    let touch = Touch::new(Timestamp::NEVER, expires_at);
    Ok(store.load(key, Some(touch)).await?.is_some())
}

/// A delete beside updates and touches is final: the record does not come back.
pub(crate) async fn a_delete_beside_updates_and_touches_is_final(t: &Trial<'_>) -> Outcome {
    let crowd = Crowd::of(t).await?;
    let later = t.late() + Duration::from_secs(60);
    for _ in 0..ROUNDS {
        let (key, _) = t.kept(&t.record()).await?;
        let deleted = crowd.at_once(9, |task, store| {
            let key = key.clone();
            async move {
                match task / 3 {
                    0 => drop(update_by(&*store, &key, incremented).await?),
                    1 => drop(touch(&*store, &key, task == 4, later).await?),
                    _ => return Ok(store.delete(&key).await?.is_some()),
                }
                Ok(false)
            }
        });
        let deleted = deleted.await?.into_iter().filter(|deleted| *deleted).count();
        same("the number of deletes that hand a record back", &deleted, &1)?;
        missing(t.store.load(&key, None).await?)?;
    }
    Ok(())
}

/// Touches beside updates lose none of them, and cause no conflict.
pub(crate) async fn touches_beside_updates_lose_nothing(t: &Trial<'_>) -> Outcome {
    const UPDATES: u64 = 40;
    let crowd = Crowd::of(t).await?;
    let record = t.record().with_payload("0");
    let (key, _) = t.kept(&record).await?;
    let done = crowd.at_once(6, |task, store| {
        let (key, late) = (key.clone(), record.expires_at);
        async move {
            for round in 1..=UPDATES {
                jostle().await;
                if task == 0 {
                    count_up(&*store, &key).await?;
                    continue;
                }
                let there = touch(&*store, &key, task % 2 == 0, late + Duration::from_secs(round)).await?;
                ensure(there, "a touch answered that there is no record")?;
            }
            Ok(())
        }
    });
    done.await?;
    same("the number of updates", &stored_number(&*t.store, &key).await?, &UPDATES)
}

/// Increments the number; no other task does, so there must be no conflict.
async fn count_up(store: &dyn Store, key: &StoreKey) -> Outcome {
    let stored = there(store.load(key, None).await?)?;
    jostle().await;
    updated(store.update(key, stored.version, &incremented(&stored.record)).await?).map(drop)
}

/// A load beside updates sees one whole record: payload, expiry and owner belong together.
pub(crate) async fn a_load_beside_updates_sees_a_whole_record(t: &Trial<'_>) -> Outcome {
    let crowd = Crowd::of(t).await?;
    let (one, other) = (t.owner()?, t.owner()?);
    let short = t.record_of(&one, t.at(100)).with_payload("1");
    let long = t
        .record_of(&other, t.at(200))
        .with_payload(noise(50_000))
        .with_expires_at(t.late() + Duration::from_secs(60))
        .with_sliding(false);
    let (key, _) = t.kept(&short).await?;
    let seen = crowd.at_once(6, |task, store| {
        let (key, short, long) = (key.clone(), short.clone(), long.clone());
        async move {
            for _ in 0..30 {
                jostle().await;
                if task < 2 {
                    let turn = |record: &Record| if *record == short { long.clone() } else { short.clone() };
                    update_by(&*store, &key, turn).await?;
                } else {
                    let stored = there(store.load(&key, None).await?)?;
                    let whole = stored.record == short || stored.record == long;
                    ensure(whole, "a load saw parts of two records")?;
                }
            }
            Ok(())
        }
    });
    seen.await.map(drop)
}

/// A create beside touches of the record that was there before is whole.
pub(crate) async fn a_create_beside_touches_is_whole(t: &Trial<'_>) -> Outcome {
    let crowd = Crowd::of(t).await?;
    let new = t.record().with_payload("2");
    let later = new.expires_at + Duration::from_secs(60);
    for _ in 0..ROUNDS {
        let (key, _) = t.kept(&t.record().with_payload("1")).await?;
        let made = crowd.at_once(7, |task, store| {
            let (key, new) = (key.clone(), new.clone());
            async move {
                if task > 0 {
                    touch(&*store, &key, task % 2 == 0, later).await?;
                    return Ok(None);
                }
                there(store.delete(&key).await?)?;
                jostle().await;
                Ok(Some(created(store.create(&key, &new).await?)?))
            }
        });
        let made = made.await?.into_iter().flatten().next();
        let stored = there(t.store.load(&key, None).await?)?;
        same("the version", &Some(stored.version), &made)?;
        same("the number in the record", &number(&stored.record), &2)?;
    }
    Ok(())
}
