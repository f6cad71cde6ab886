//! `sweep` removes what has expired.

use std::time::Duration;

use cloakroom_store::{CreateOutcome, StoreKey, Sweep, SweepStats, Timestamp, Version};

use crate::cases::racing::{Crowd, jostle};
use crate::expect::{created, ensure, holds, same};
use crate::failure::{Failure, Outcome, Stop};
use crate::trial::Trial;

/// Sweeps until there is no more, and says how many records were removed.
pub(crate) async fn sweep_all(sweep: &dyn Sweep, limit: usize) -> Outcome<usize> {
    let mut removed = 0;
    for _ in 0..10_000 {
        jostle().await;
        let swept = sweep.sweep(limit).await?;
        removed += swept.removed;
        if !swept.more {
            return Ok(removed);
        }
    }
    Err(Failure::answer("sweeping does not end: there is always more").into())
}

/// Makes so many expired records, and no others, for a store that the suite has to itself.
async fn only_expired(t: &Trial<'_>, count: usize) -> Outcome<Vec<StoreKey>> {
    t.alone()?;
    sweep_all(t.sweep()?, 1_000).await?;
    let expiry = t.soon() + t.limits.tick / 2;
    let mut keys = Vec::new();
    for _ in 0..count {
        keys.push(t.kept(&t.record_until(expiry)).await?.0);
    }
    t.wait_until(expiry).await?;
    Ok(keys)
}

/// A sweep removes what has expired, once, and says how many records those were.
pub(crate) async fn sweep_removes_what_has_expired(t: &Trial<'_>) -> Outcome {
    let sweep = t.sweep()?;
    only_expired(t, 12).await?;
    same("the number of records removed", &sweep_all(sweep, usize::MAX).await?, &12)?;
    same("another sweep", &sweep.sweep(100).await?, &SweepStats::NOTHING)
}

/// A sweep says how many of the records that it removed were sliding.
pub(crate) async fn sweep_says_how_many_were_sliding(t: &Trial<'_>) -> Outcome {
    let sweep = t.sweep()?;
    let keys = only_expired(t, 5).await?;
    let last = t.record_until(t.soon());
    for _ in &keys[..2] {
        t.kept(&last.clone().with_sliding(false)).await?;
    }
    t.wait_until(last.expires_at).await?;
    same("how many of those removed were sliding", &sweep.sweep(100).await?.sliding, &5)
}

/// A sweep never removes a live record.
pub(crate) async fn sweep_never_removes_a_live_record(t: &Trial<'_>) -> Outcome {
    let sweep = t.sweep()?;
    let soon = t.record_until(t.soon());
    t.kept(&soon).await?;
    let next = t.record_until(soon.expires_at + t.limits.precision * 2);
    let mut kept = Vec::new();
    for record in [t.record(), t.record_until(Timestamp::NEVER), next] {
        let (key, version) = t.kept(&record).await?;
        kept.push((key, record, version));
    }
    t.wait_until(soon.expires_at).await?;
    sweep_all(sweep, 100).await?;
    for (key, record, version) in kept {
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// A sweep removes no more records than its limit.
pub(crate) async fn sweep_removes_no_more_than_its_limit(t: &Trial<'_>) -> Outcome {
    let sweep = t.sweep()?;
    only_expired(t, 12).await?;
    for limit in [0, 1, 5] {
        ensure(sweep.sweep(limit).await?.removed <= limit, "a sweep removed more records than its limit")?;
    }
    Ok(())
}

/// A sweep that stopped at its limit says that there is more, and the next one goes on.
pub(crate) async fn sweep_says_whether_there_is_more(t: &Trial<'_>) -> Outcome {
    let sweep = t.sweep()?;
    only_expired(t, 12).await?;
    let first = sweep.sweep(5).await?;
    ensure(first.more, "a sweep of 5 of 12 expired records says that there is no more")?;
    same("the number of records removed", &(first.removed + sweep_all(sweep, 5).await?), &12)?;
    ensure(!sweep.sweep(5).await?.more, "a sweep that removed nothing says that there is more")
}

/// Any number of sweeps at once remove each expired record once.
pub(crate) async fn any_number_of_sweeps_at_once_remove_each_record_once(t: &Trial<'_>) -> Outcome {
    let sweep = t.sweep()?;
    only_expired(t, 48).await?;
    let crowd = Crowd::of(t).await?;
    let removed = crowd.at_once(6, |_, store| async move {
        let sweep = store.capabilities().sweep.ok_or(Stop::NotApplicable("a handle cannot sweep"))?;
        sweep_all(sweep, 5).await
    });
    let removed = removed.await?.iter().sum::<usize>() + sweep_all(sweep, 100).await?;
    same("the number of records removed", &removed, &48)
}

/// A sweep spares a record that was created again where an expired one was.
pub(crate) async fn sweep_spares_a_record_created_again(t: &Trial<'_>) -> Outcome {
    let sweep = t.sweep()?;
    let (key, _) = t.expired().await?;
    let record = t.record();
    let version = created(t.store.create(&key, &record).await?)?;
    sweep_all(sweep, 100).await?;
    holds(t.store.load(&key, None).await?, &record, version)
}

/// A sweep spares a record that is created again at the same moment.
pub(crate) async fn sweep_spares_a_record_created_at_the_same_moment(t: &Trial<'_>) -> Outcome {
    t.sweep()?;
    let expiry = t.soon() + t.limits.tick / 2;
    let keys = t.keys(64);
    for key in &keys {
        created(t.store.create(key, &t.record_until(expiry)).await?)?;
    }
    t.wait_until(expiry).await?;
    let record = t.record();
    for (key, version) in sweep_beside_creates(t, &keys).await? {
        let stored = t.store.load(&key, None).await?.map(|stored| stored.version);
        same("the version of the record created again", &stored, &Some(version))?;
    }
    same("another create", &t.store.create(&keys[0], &record).await?, &CreateOutcome::AlreadyExists)
}

/// Sweeps on some tasks, while others create a record under each key.
async fn sweep_beside_creates(t: &Trial<'_>, keys: &[StoreKey]) -> Outcome<Vec<(StoreKey, Version)>> {
    let crowd = Crowd::of(t).await?;
    let made = crowd.at_once(8, |task, store| {
        let mine = keys.iter().skip(task % 4).step_by(4).cloned().collect::<Vec<_>>();
        let record = t.record();
        async move {
            let mut made = Vec::new();
            for key in mine {
                jostle().await;
                match (task < 4, store.capabilities().sweep) {
                    (true, Some(sweep)) => drop(sweep.sweep(3).await?),
                    _ => made.push((key.clone(), created(store.create(&key, &record).await?)?)),
                }
            }
            Ok(made)
        }
    });
    Ok(made.await?.concat())
}

/// A sweep forgets no revocation of the last 24 hours.
pub(crate) async fn sweep_forgets_no_revocation_of_the_last_24_hours(t: &Trial<'_>) -> Outcome {
    let (sweep, owners, owner) = (t.sweep()?, t.owners()?, t.owner()?);
    let at = t.now();
    owners.revoke(&owner, at).await?;
    sweep_all(sweep, 100).await?;
    t.wait_until_just_before(at + Duration::from_secs(24 * 3_600)).await?;
    sweep_all(sweep, 100).await?;
    same("create", &t.store.create(&t.key(), &t.record_of(&owner, at)).await?, &CreateOutcome::Revoked)
}
