//! Writes to an owner's records beside a revocation or a list.

use cloakroom_store::{OwnerKey, StoreKey};

use super::crowd::{Crowd, jostle, update_by};
use crate::cases::listing::{list_all, shows_record};
use crate::expect::ensure;
use crate::failure::Outcome;
use crate::trial::{Trial, owners};

const ROUNDS: usize = 12;

/// A revocation beside creates is final: none of the owner's records is there afterwards.
pub(crate) async fn a_revocation_beside_creates_is_final(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let crowd = Crowd::of(t).await?;
    for _ in 0..ROUNDS {
        let (owner, at, keys) = (t.owner()?, t.at(100), t.keys(8));
        let record = t.record_of(&owner, at);
        let done = crowd.at_once(9, |task, store| {
            let (owner, key, record) = (owner.clone(), keys.get(task).cloned(), record.clone());
            async move {
                match key {
                    Some(key) => drop(store.create(&key, &record).await?),
                    None => drop(owners(&*store)?.revoke(&owner, at).await?),
                }
                Ok(())
            }
        });
        done.await?;
        none_left(t, &owner, &keys).await?;
    }
    Ok(())
}

/// A revocation beside updates is final: neither a record that was the owner's nor one that becomes theirs stays.
pub(crate) async fn a_revocation_beside_updates_is_final(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let crowd = Crowd::of(t).await?;
    for _ in 0..ROUNDS {
        let (owner, at) = (t.owner()?, t.at(100));
        let mut keys = Vec::new();
        for task in 0..8 {
            let theirs = task % 2 == 0;
            let record = if theirs { t.record_of(&owner, at) } else { t.record() };
            keys.push(t.kept(&record).await?.0);
        }
        let record = t.record_of(&owner, at);
        let done = crowd.at_once(9, |task, store| {
            let (owner, key, record) = (owner.clone(), keys.get(task).cloned(), record.clone());
            async move {
                match key {
                    Some(key) => drop(update_by(&*store, &key, |_| record.clone()).await?),
                    None => drop(owners(&*store)?.revoke(&owner, at).await?),
                }
                Ok(())
            }
        });
        done.await?;
        none_left(t, &owner, &keys).await?;
    }
    Ok(())
}

/// None of the records names the owner.
async fn none_left(t: &Trial<'_>, owner: &OwnerKey, keys: &[StoreKey]) -> Outcome {
    ensure(
        list_all(owners(&*t.store)?, owner).await?.is_empty(),
        "the owner's list has a record after the revocation",
    )?;
    for key in keys {
        let stored = t.store.load(key, None).await?;
        let theirs = stored.and_then(|stored| stored.record.owner).is_some_and(|of| of.key == *owner);
        ensure(!theirs, "a record of the owner is there after the revocation")?;
    }
    Ok(())
}

/// An owner's list beside updates that move a record has it with one owner or with the other, as that owner's.
pub(crate) async fn a_list_beside_updates_has_only_the_owners_records(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let crowd = Crowd::of(t).await?;
    let pair = [t.owner()?, t.owner()?];
    let records = pair.clone().map(|owner| t.record_of(&owner, t.at(100)));
    let (key, _) = t.kept(&records[0]).await?;
    let limits = t.limits;
    let seen = crowd.at_once(6, |task, store| {
        let (key, pair, records) = (key.clone(), pair.clone(), records.clone());
        async move {
            for round in 0..30 {
                jostle().await;
                let which = (task + round) % 2;
                if task < 2 {
                    update_by(&*store, &key, |_| records[which].clone()).await?;
                    continue;
                }
                let listed = list_all(owners(&*store)?, &pair[which]).await?;
                let theirs = listed.values().all(|head| shows_record(&limits, head, &records[which]).is_ok());
                ensure(theirs && listed.len() < 2, "the list has a record that is another owner's")?;
            }
            Ok(())
        }
    });
    seen.await.map(drop)
}
