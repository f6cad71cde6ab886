//! Many tasks want the same: as many get it as the contract says.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloakroom_store::{CreateOutcome, Record, Store, StoreKey, UpdateOutcome};

use super::crowd::{Crowd, incremented, jostle, stored_number, update_by};
use crate::expect::{ensure, holds, missing, same, there};
use crate::failure::{Failure, Outcome};
use crate::trial::Trial;

const ROUNDS: usize = 12;
const TASKS: usize = 12;

/// A record of its own for each task.
fn records(t: &Trial<'_>) -> Arc<[Record]> {
    (0..TASKS).map(|_| t.record()).collect()
}

/// Of any number of creates at once, one wins.
pub(crate) async fn of_any_number_of_creates_at_once_one_wins(t: &Trial<'_>) -> Outcome {
    let crowd = Crowd::of(t).await?;
    for _ in 0..ROUNDS {
        let (key, records) = (t.key(), records(t));
        let answers = crowd.at_once(TASKS, |task, store| {
            let (key, records) = (key.clone(), Arc::clone(&records));
            async move { Ok(store.create(&key, &records[task]).await?) }
        });
        let mut winners = Vec::new();
        for (task, answer) in answers.await?.into_iter().enumerate() {
            match answer {
                CreateOutcome::Created(version) => winners.push((task, version)),
                other => same("the answer to the others", &other, &CreateOutcome::AlreadyExists)?,
            }
        }
        same("the number of winners", &winners.len(), &1)?;
        let (winner, version) = winners[0];
        holds(t.store.load(&key, None).await?, &records[winner], version)?;
    }
    Ok(())
}

/// Of any number of updates of one version at once, one wins, and the others learn what is there.
pub(crate) async fn of_any_number_of_updates_at_once_one_wins(t: &Trial<'_>) -> Outcome {
    let crowd = Crowd::of(t).await?;
    let (key, mut version) = t.kept(&t.record()).await?;
    for _ in 0..ROUNDS {
        let records = records(t);
        let answers = crowd.at_once(TASKS, |task, store| {
            let (key, records) = (key.clone(), Arc::clone(&records));
            async move { Ok(store.update(&key, version, &records[task]).await?) }
        });
        let (mut winners, mut losers) = (Vec::new(), Vec::new());
        for (task, answer) in answers.await?.into_iter().enumerate() {
            match answer {
                UpdateOutcome::Updated(version) => winners.push((task, version)),
                UpdateOutcome::Conflict(stored) => losers.push(stored),
                other => return Err(Failure::answer(format!("an update answered {other:?}")).into()),
            }
        }
        same("the number of winners", &winners.len(), &1)?;
        let (winner, next) = winners[0];
        for stored in losers {
            holds(Some(stored), &records[winner], next)?;
        }
        holds(t.store.load(&key, None).await?, &records[winner], next)?;
        version = next;
    }
    Ok(())
}

/// Of any number of deletes at once, one hands the record back.
pub(crate) async fn of_any_number_of_deletes_at_once_one_hands_it_back(t: &Trial<'_>) -> Outcome {
    let crowd = Crowd::of(t).await?;
    for _ in 0..ROUNDS {
        let record = t.record();
        let (key, version) = t.kept(&record).await?;
        let answers = crowd.at_once(TASKS, |_, store| {
            let key = key.clone();
            async move { Ok(store.delete(&key).await?) }
        });
        let mut back = answers.await?.into_iter().flatten().collect::<Vec<_>>();
        same("the number of deletes that hand a record back", &back.len(), &1)?;
        holds(back.pop(), &record, version)?;
        missing(t.store.load(&key, None).await?)?;
    }
    Ok(())
}

/// Of any number of touches at once, the latest expiry stays.
pub(crate) async fn of_any_number_of_touches_at_once_the_latest_stays(t: &Trial<'_>) -> Outcome {
    let crowd = Crowd::of(t).await?;
    let mut record = t.record();
    let (key, version) = t.kept(&record).await?;
    for _ in 0..ROUNDS {
        let base = record.expires_at;
        let answers = crowd.at_once(TASKS, |task, store| {
            let key = key.clone();
            let later = base + Duration::from_secs(1 + task as u64);
            async move { Ok(store.touch(&key, later).await?) }
        });
        ensure(answers.await?.iter().all(|there| *there), "a touch answered that there is no record")?;
        record.expires_at = base + Duration::from_secs(TASKS as u64);
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// Increments by many tasks at once are all counted, each exactly once, and each gets a version of its own.
pub(crate) async fn increments_by_many_at_once_are_all_counted(t: &Trial<'_>) -> Outcome {
    const EACH: usize = 12;
    let crowd = Crowd::of(t).await?;
    let (key, first) = t.kept(&t.record().with_payload("0")).await?;
    let versions = crowd.at_once(TASKS, |_, store| {
        let key = key.clone();
        async move {
            let mut versions = Vec::new();
            for _ in 0..EACH {
                versions.extend(update_by(&*store, &key, incremented).await?);
            }
            Ok(versions)
        }
    });
    let mut versions = versions.await?.concat();
    same("the number of increments", &stored_number(&*t.store, &key).await?, &((TASKS * EACH) as u64))?;
    versions.push(first);
    same("the number of versions", &versions.iter().collect::<HashSet<_>>().len(), &(TASKS * EACH + 1))
}

/// Records under different keys that are written at once are all kept.
pub(crate) async fn writes_to_different_keys_at_once_are_all_kept(t: &Trial<'_>) -> Outcome {
    const EACH: usize = 8;
    let crowd = Crowd::of(t).await?;
    let keys: Arc<[StoreKey]> = t.keys(TASKS * EACH).into();
    let record = t.record().with_payload("0");
    let versions = crowd.at_once(TASKS, |task, store| {
        let (keys, record) = (Arc::clone(&keys), record.clone());
        async move {
            let mut versions = Vec::new();
            for key in &keys[task * EACH..(task + 1) * EACH] {
                same(
                    "create",
                    &matches!(store.create(key, &record).await?, CreateOutcome::Created(_)),
                    &true,
                )?;
                versions.push(update_by(&*store, key, incremented).await?);
            }
            Ok(versions)
        }
    });
    let due = incremented(&record);
    for (key, version) in keys.iter().zip(versions.await?.concat()) {
        let version = version.ok_or_else(|| Failure::answer("a record was gone when it was updated"))?;
        holds(t.store.load(key, None).await?, &due, version)?;
    }
    Ok(())
}

/// A key that many create and delete in turn has one holder at a time.
pub(crate) async fn a_key_has_one_holder_at_a_time(t: &Trial<'_>) -> Outcome {
    let crowd = Crowd::of(t).await?;
    let (key, record, held) = (t.key(), t.record(), Arc::new(AtomicBool::new(false)));
    let turns = crowd.at_once(6, |_, store| {
        let (key, record, held) = (key.clone(), record.clone(), Arc::clone(&held));
        async move {
            for _ in 0..5 {
                take_turn(&*store, &key, &record, &held).await?;
            }
            Ok(())
        }
    });
    turns.await?;
    missing(t.store.load(&key, None).await?)
}

/// Creates the record as soon as no other task has it, and deletes it.
async fn take_turn(store: &dyn Store, key: &StoreKey, record: &Record, held: &AtomicBool) -> Outcome {
    for _ in 0..20_000 {
        match store.create(key, record).await? {
            CreateOutcome::Created(_) => {
                ensure(!held.swap(true, Ordering::SeqCst), "two creates have won at the same time")?;
                jostle().await;
                held.store(false, Ordering::SeqCst);
                there(store.delete(key).await?)?;
                return Ok(());
            }
            CreateOutcome::AlreadyExists => tokio::task::yield_now().await,
            CreateOutcome::Revoked => return Err(Failure::answer("create answered Revoked").into()),
        }
    }
    Err(Failure::answer("the key stays taken although every holder deletes it").into())
}
