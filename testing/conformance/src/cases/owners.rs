//! An owner's records are those whose record names that owner now.

use std::time::Duration;

use cloakroom_store::{Owner, OwnerKey, Record, StoreKey, Timestamp, Touch};

use crate::cases::listing::{Heads, by_key, pages, shows, shows_record};
use crate::expect::{created, ensure, holds, same, there, updated};
use crate::failure::Outcome;
use crate::hostile;
use crate::trial::Trial;

/// The owner's list, in which no key may be twice.
async fn list(t: &Trial<'_>, owner: &OwnerKey) -> Outcome<Heads> {
    let heads = pages(t.owners()?, owner, 100).await?;
    let count = heads.len();
    let listed = by_key(heads);
    same("the number of keys in the list", &listed.len(), &count)?;
    Ok(listed)
}

#[track_caller]
fn is(listed: &Heads, keys: &[&StoreKey]) -> Outcome {
    ensure(keys.iter().all(|key| listed.contains_key(key)), "a record of the owner is not in the list")?;
    ensure(listed.len() == keys.len(), "the list has a record that is not the owner's")
}

/// The list has every record of the owner, as it is, and no other.
pub(crate) async fn list_has_every_record_of_the_owner(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let (owner, other) = (t.owner()?, t.owner()?);
    t.kept(&t.record()).await?;
    t.kept(&t.record_of(&other, t.at(100))).await?;
    let mut kept = Vec::new();
    for since in 100..120 {
        let record = t.record_of(&owner, t.at(since)).with_sliding(since % 2 == 0);
        let (key, version) = t.kept(&record).await?;
        kept.push((key, record, version));
    }
    let listed = list(t, &owner).await?;
    is(&listed, &kept.iter().map(|(key, ..)| key).collect::<Vec<_>>())?;
    for (key, record, version) in kept {
        shows(&t.limits, listed.get(&key), &record, version)?;
    }
    Ok(())
}

/// The list has all records of an owner, however many there are.
pub(crate) async fn list_has_all_records_however_many(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let keys = t.keys(300);
    for key in &keys {
        created(t.store.create(key, &t.record_of(&owner, t.at(100))).await?)?;
    }
    is(&list(t, &owner).await?, &keys.iter().collect::<Vec<_>>())
}

/// The list of an owner without sessions has no record.
pub(crate) async fn list_of_an_unknown_owner_is_empty(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    t.kept(&t.record_of(&t.owner()?, t.at(100))).await?;
    t.kept(&t.record()).await?;
    is(&list(t, &t.owner()?).await?, &[])
}

/// An owner comes back as it went in, with its `logged_in_at` to the microsecond.
pub(crate) async fn an_owner_comes_back_as_it_went_in(t: &Trial<'_>) -> Outcome {
    let longest = OwnerKey::new([0xfe; OwnerKey::MAX_LEN])?;
    let micros = t.at(100) + Duration::from_micros(1);
    for owner in [t.owner()?, t.owner_of(&[0, 1, 0xff])?, longest] {
        for since in [micros, Timestamp::EPOCH, Timestamp::NEVER] {
            let (key, _) = t.kept(&t.record_of(&owner, since)).await?;
            let due = Some(Owner::new(owner.clone(), since));
            let stored = there(t.store.load(&key, None).await?)?;
            ensure(stored.record.owner == due, "the owner or its since is another")?;
        }
    }
    Ok(())
}

/// An update that changes the owner moves the record from one owner to the other.
pub(crate) async fn an_update_that_changes_the_owner_moves_the_record(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let (from, to) = (t.owner()?, t.owner()?);
    let (key, version) = t.kept(&t.record_of(&from, t.at(100))).await?;
    let record = t.record_of(&to, t.at(101));
    let version = updated(t.store.update(&key, version, &record).await?)?;
    is(&list(t, &from).await?, &[])?;
    let listed = list(t, &to).await?;
    is(&listed, &[&key])?;
    shows(&t.limits, listed.get(&key), &record, version)
}

/// An update that gives an owner to a record that had none lists it.
pub(crate) async fn an_update_that_names_an_owner_lists_the_record(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let (key, version) = t.kept(&t.record()).await?;
    updated(t.store.update(&key, version, &t.record_of(&owner, t.at(100))).await?)?;
    is(&list(t, &owner).await?, &[&key])
}

/// An update to a tombstone, which has no owner, leaves the owner's list.
pub(crate) async fn a_tombstone_update_leaves_the_owner_list(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let (key, version) = t.kept(&t.record_of(&owner, t.at(100))).await?;
    let tombstone = Record::new("", t.late()).with_sliding(false);
    let version = updated(t.store.update(&key, version, &tombstone).await?)?;
    is(&list(t, &owner).await?, &[])?;
    holds(t.store.load(&key, None).await?, &tombstone, version)
}

/// An update that keeps the owner keeps the record in the list, as it is now.
pub(crate) async fn an_update_that_keeps_the_owner_keeps_the_record_listed(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let (key, version) = t.kept(&t.record_of(&owner, t.at(100))).await?;
    let record = t.record_of(&owner, t.at(200));
    let version = updated(t.store.update(&key, version, &record).await?)?;
    let listed = list(t, &owner).await?;
    is(&listed, &[&key])?;
    shows(&t.limits, listed.get(&key), &record, version)
}

/// A deleted record leaves the owner's list, and is not there when the key is created again.
pub(crate) async fn a_deleted_record_leaves_the_owner_list(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let (stays, _) = t.kept(&t.record_of(&owner, t.at(100))).await?;
    let (key, _) = t.kept(&t.record_of(&owner, t.at(100))).await?;
    there(t.store.delete(&key).await?)?;
    is(&list(t, &owner).await?, &[&stays])?;
    created(t.store.create(&key, &t.record()).await?)?;
    is(&list(t, &owner).await?, &[&stays])
}

/// A record that is touched stays in the owner's list, with its later expiry.
pub(crate) async fn a_touched_record_stays_in_the_owner_list(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let mut record = t.record_of(&owner, t.at(100)).with_expires_at(t.soon());
    let (key, version) = t.kept(&record).await?;
    let (other, _) = t.kept(&record).await?;
    let first = record.expires_at;
    record.expires_at = t.late();
    t.store.touch(&key, record.expires_at).await?;
    t.store.load(&other, Some(Touch::new(record.expires_at, record.expires_at))).await?;
    t.wait_until(first).await?;
    let listed = list(t, &owner).await?;
    is(&listed, &[&key, &other])?;
    shows(&t.limits, listed.get(&key), &record, version)?;
    listed.get(&other).map_or(Ok(()), |head| shows_record(&t.limits, head, &record))
}

/// Owners of any bytes are kept apart.
pub(crate) async fn hostile_owners_are_kept_apart(t: &Trial<'_>) -> Outcome {
    let owners = t.owners()?;
    let longest = OwnerKey::MAX_LEN - t.owner_of(&[])?.as_bytes().len();
    let names = [hostile::everything(), hostile::lengths(longest)].concat();
    let distinct = names.iter().collect::<std::collections::BTreeSet<_>>();
    let mut kept = Vec::new();
    for name in distinct {
        let owner = t.owner_of(name)?;
        let (key, _) = t.kept(&t.record_of(&owner, t.at(100))).await?;
        kept.push((owner, key));
    }
    for (owner, key) in &kept {
        is(&list(t, owner).await?, &[key])?;
    }
    for (owner, _) in kept.iter().step_by(2) {
        same("revoke", &owners.revoke(owner, t.at(100)).await?, &1)?;
    }
    for (owner, key) in kept.iter().skip(1).step_by(2) {
        is(&list(t, owner).await?, &[key])?;
    }
    Ok(())
}
