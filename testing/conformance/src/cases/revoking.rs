//! `revoke` is final for what began before it.

use std::time::Duration;

use cloakroom_store::{CreateOutcome, OwnerKey, UpdateOutcome};

use crate::cases::listing::list_all;
use crate::expect::{created, ensure, holds, missing, same, updated};
use crate::failure::Outcome;
use crate::trial::Trial;

/// When the owner's log-in began, in seconds, next to a revocation at [`REVOKED`].
const BEFORE: u64 = 99;
const REVOKED: u64 = 100;
const AFTER: u64 = 101;

async fn revoke(t: &Trial<'_>, owner: &OwnerKey, seconds: u64) -> Outcome<u64> {
    Ok(t.owners()?.revoke(owner, t.at(seconds)).await?)
}

/// A revocation removes the owner's records that began before it.
pub(crate) async fn revoke_removes_what_began_before(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let (first, _) = t.kept(&t.record_of(&owner, t.at(0))).await?;
    let (second, _) = t.kept(&t.record_of(&owner, t.at(BEFORE))).await?;
    revoke(t, &owner, REVOKED).await?;
    missing(t.store.load(&first, None).await?)?;
    missing(t.store.load(&second, None).await?)?;
    ensure(list_all(t.owners()?, &owner).await?.is_empty(), "the owner's list has a record")
}

/// What began at the moment of the revocation is not later, so it is removed; a microsecond later is.
pub(crate) async fn revoke_removes_what_began_at_that_moment(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let (at, _) = t.kept(&t.record_of(&owner, t.at(REVOKED))).await?;
    let later = t.record_of(&owner, t.at(REVOKED) + Duration::from_micros(1));
    let (stays, version) = t.kept(&later).await?;
    revoke(t, &owner, REVOKED).await?;
    missing(t.store.load(&at, None).await?)?;
    holds(t.store.load(&stays, None).await?, &later, version)
}

/// A revocation spares the owner's records that began after it.
pub(crate) async fn revoke_spares_what_began_after(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let record = t.record_of(&owner, t.at(AFTER));
    let (key, version) = t.kept(&record).await?;
    revoke(t, &owner, REVOKED).await?;
    holds(t.store.load(&key, None).await?, &record, version)?;
    same("the number of records in the list", &list_all(t.owners()?, &owner).await?.len(), &1)
}

/// A revocation says how many live records it removed.
pub(crate) async fn revoke_says_how_many_live_records_there_were(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    for since in [BEFORE, BEFORE, REVOKED, AFTER] {
        t.kept(&t.record_of(&owner, t.at(since))).await?;
    }
    same("revoke", &revoke(t, &owner, REVOKED).await?, &3)?;
    same("the same revocation again", &revoke(t, &owner, REVOKED).await?, &0)
}

/// A revocation removes all records that began before it, however many there are.
pub(crate) async fn revoke_removes_all_records_however_many(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let keys = t.keys(250);
    for (number, key) in keys.iter().enumerate() {
        let since = if number % 50 == 0 { AFTER } else { BEFORE };
        created(t.store.create(key, &t.record_of(&owner, t.at(since))).await?)?;
    }
    same("revoke", &revoke(t, &owner, REVOKED).await?, &245)?;
    for (number, key) in keys.iter().enumerate() {
        let spared = t.store.load(key, None).await?.is_some();
        same("whether a record is there", &spared, &(number % 50 == 0))?;
    }
    same("the number of records in the list", &list_all(t.owners()?, &owner).await?.len(), &5)
}

/// A create that began before the revocation is refused, and nothing is kept.
pub(crate) async fn revoke_refuses_a_create_that_began_before(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    t.kept(&t.record_of(&owner, t.at(BEFORE))).await?;
    revoke(t, &owner, REVOKED).await?;
    for since in [BEFORE, REVOKED] {
        let key = t.key();
        let answer = t.store.create(&key, &t.record_of(&owner, t.at(since))).await?;
        same("create", &answer, &CreateOutcome::Revoked)?;
        missing(t.store.load(&key, None).await?)?;
    }
    ensure(list_all(t.owners()?, &owner).await?.is_empty(), "the owner's list has a record")
}

/// An update whose owner began before the revocation is refused, and nothing is changed.
pub(crate) async fn revoke_refuses_an_update_that_began_before(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let (owner, other) = (t.owner()?, t.owner()?);
    revoke(t, &owner, REVOKED).await?;
    for record in [t.record(), t.record_of(&other, t.at(BEFORE)), t.record_of(&owner, t.at(AFTER))] {
        let (key, version) = t.kept(&record).await?;
        for since in [BEFORE, REVOKED] {
            let answer = t.store.update(&key, version, &t.record_of(&owner, t.at(since))).await?;
            same("update", &answer, &UpdateOutcome::Revoked)?;
            holds(t.store.load(&key, None).await?, &record, version)?;
        }
    }
    Ok(())
}

/// What is refused for the revocation and for another reason changes nothing, whichever is the answer.
pub(crate) async fn what_is_refused_for_two_reasons_changes_nothing(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    revoke(t, &owner, REVOKED).await?;
    let (record, refused, unknown) = (t.record(), t.record_of(&owner, t.at(BEFORE)), t.key());
    let (key, old) = t.kept(&t.record()).await?;
    let version = updated(t.store.update(&key, old, &record).await?)?;
    let answer = t.store.update(&key, old, &refused).await?;
    ensure(
        matches!(answer, UpdateOutcome::Conflict(_) | UpdateOutcome::Revoked),
        "an update of another version was taken",
    )?;
    let answer = t.store.create(&key, &refused).await?;
    ensure(
        matches!(answer, CreateOutcome::AlreadyExists | CreateOutcome::Revoked),
        "a create of a taken key was taken",
    )?;
    holds(t.store.load(&key, None).await?, &record, version)?;
    let answer = t.store.update(&unknown, version, &refused).await?;
    ensure(
        matches!(answer, UpdateOutcome::NotFound | UpdateOutcome::Revoked),
        "an update of an unknown key was taken",
    )?;
    missing(t.store.load(&unknown, None).await?)
}

/// A create and an update that began after the revocation are taken.
pub(crate) async fn revoke_admits_what_began_after(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    revoke(t, &owner, REVOKED).await?;
    created(t.store.create(&t.key(), &t.record_of(&owner, t.at(AFTER))).await?)?;
    let (key, version) = t.kept(&t.record()).await?;
    updated(t.store.update(&key, version, &t.record_of(&owner, t.at(AFTER))).await?)?;
    same("the number of records in the list", &list_all(t.owners()?, &owner).await?.len(), &2)
}

/// A record that was removed by a revocation comes back by no update and no touch.
pub(crate) async fn revoke_is_final_for_the_records_removed(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    let (key, version) = t.kept(&t.record_of(&owner, t.at(BEFORE))).await?;
    revoke(t, &owner, REVOKED).await?;
    let answer = t.store.update(&key, version, &t.record_of(&owner, t.at(AFTER))).await?;
    same("update", &answer, &UpdateOutcome::NotFound)?;
    ensure(!t.store.touch(&key, t.late()).await?, "touch answered that there is a record")?;
    missing(t.store.load(&key, None).await?)?;
    missing(t.store.delete(&key).await?)
}

/// An earlier revocation than one already made changes nothing.
pub(crate) async fn revoke_never_moves_back(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    revoke(t, &owner, REVOKED).await?;
    let (key, _) = t.kept(&t.record_of(&owner, t.at(AFTER))).await?;
    same("an earlier revocation", &revoke(t, &owner, BEFORE).await?, &0)?;
    let answer = t.store.create(&t.key(), &t.record_of(&owner, t.at(REVOKED))).await?;
    same("create", &answer, &CreateOutcome::Revoked)?;
    ensure(t.store.load(&key, None).await?.is_some(), "the earlier revocation removed a record")
}

/// A later revocation ends what the earlier one spared.
pub(crate) async fn a_later_revocation_moves_on(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    revoke(t, &owner, REVOKED).await?;
    let (key, _) = t.kept(&t.record_of(&owner, t.at(AFTER))).await?;
    same("a later revocation", &revoke(t, &owner, AFTER).await?, &1)?;
    missing(t.store.load(&key, None).await?)?;
    let answer = t.store.create(&key, &t.record_of(&owner, t.at(AFTER))).await?;
    same("create", &answer, &CreateOutcome::Revoked)
}

/// A revocation of an owner that has no record is remembered.
pub(crate) async fn revoke_of_an_owner_without_records_is_remembered(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let owner = t.owner()?;
    same("revoke", &revoke(t, &owner, REVOKED).await?, &0)?;
    let answer = t.store.create(&t.key(), &t.record_of(&owner, t.at(BEFORE))).await?;
    same("create", &answer, &CreateOutcome::Revoked)
}

/// A revocation leaves the records of other owners, and those without an owner.
pub(crate) async fn revoke_leaves_other_owners(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let (owner, other) = (t.owner_of(b"a")?, t.owner_of(b"ab")?);
    let mut kept = Vec::new();
    for record in [t.record_of(&other, t.at(BEFORE)), t.record()] {
        let (key, version) = t.kept(&record).await?;
        kept.push((key, record, version));
    }
    t.kept(&t.record_of(&owner, t.at(BEFORE))).await?;
    same("revoke", &revoke(t, &owner, REVOKED).await?, &1)?;
    for (key, record, version) in kept {
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    created(t.store.create(&t.key(), &t.record_of(&other, t.at(BEFORE))).await?)?;
    Ok(())
}

/// A revocation goes by the owner and the `logged_in_at` that the record names now.
pub(crate) async fn revoke_goes_by_what_the_record_says_now(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let (owner, other) = (t.owner()?, t.owner()?);
    let now = [t.record_of(&owner, t.at(AFTER)), t.record_of(&other, t.at(BEFORE)), t.record()];
    let mut spared = Vec::new();
    for record in now {
        let (key, version) = t.kept(&t.record_of(&owner, t.at(BEFORE))).await?;
        let version = updated(t.store.update(&key, version, &record).await?)?;
        spared.push((key, record, version));
    }
    let (ended, version) = t.kept(&t.record()).await?;
    updated(t.store.update(&ended, version, &t.record_of(&owner, t.at(BEFORE))).await?)?;
    same("revoke", &revoke(t, &owner, REVOKED).await?, &1)?;
    missing(t.store.load(&ended, None).await?)?;
    for (key, record, version) in spared {
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// A revocation is remembered for 24 hours at least.
pub(crate) async fn a_revocation_is_remembered_for_24_hours(t: &Trial<'_>) -> Outcome {
    let (owners, owner) = (t.owners()?, t.owner()?);
    let at = t.now();
    owners.revoke(&owner, at).await?;
    t.wait_until_just_before(at + Duration::from_secs(24 * 3_600)).await?;
    same("create", &t.store.create(&t.key(), &t.record_of(&owner, at)).await?, &CreateOutcome::Revoked)
}
