//! A record that has expired does not exist, for any method, from its expiry on.

use std::time::Duration;

use cloakroom_store::{CreateOutcome, Timestamp, Touch, UpdateOutcome};

use crate::cases::listing::list_all;
use crate::cases::scanning::scan_all;
use crate::expect::{created, ensure, holds, missing, same, there, updated};
use crate::failure::Outcome;
use crate::trial::Trial;

/// A record is live until its expiry, and gone from then on.
pub(crate) async fn a_record_is_live_until_its_expiry(t: &Trial<'_>) -> Outcome {
    let record = t.record_until(t.soon());
    let (key, version) = t.kept(&record).await?;
    t.wait_until_just_before(record.expires_at).await?;
    holds(t.store.load(&key, None).await?, &record, version)?;
    t.wait_until(record.expires_at).await?;
    missing(t.store.load(&key, None).await?)
}

/// An expired record does not exist for a load.
pub(crate) async fn an_expired_record_does_not_exist_for_load(t: &Trial<'_>) -> Outcome {
    let (key, _) = t.expired().await?;
    missing(t.store.load(&key, None).await?)
}

/// An expired record does not exist for a load with a touch, which does not bring it back.
pub(crate) async fn an_expired_record_does_not_exist_for_load_with_a_touch(t: &Trial<'_>) -> Outcome {
    let (key, _) = t.expired().await?;
    let touch = Touch::new(Timestamp::NEVER, t.late());
    missing(t.store.load(&key, Some(touch)).await?)?;
    missing(t.store.load(&key, None).await?)
}

/// An expired record does not exist for a create, which makes a new one.
pub(crate) async fn an_expired_record_does_not_exist_for_create(t: &Trial<'_>) -> Outcome {
    let (key, _) = t.expired().await?;
    let record = t.record();
    let version = created(t.store.create(&key, &record).await?)?;
    holds(t.store.load(&key, None).await?, &record, version)?;
    same("another create", &t.store.create(&key, &t.record()).await?, &CreateOutcome::AlreadyExists)
}

/// An expired record does not exist for an update, which does not bring it back.
pub(crate) async fn an_expired_record_does_not_exist_for_update(t: &Trial<'_>) -> Outcome {
    let (key, version) = t.expired().await?;
    same("update", &t.store.update(&key, version, &t.record()).await?, &UpdateOutcome::NotFound)?;
    missing(t.store.load(&key, None).await?)
}

/// An expired record does not exist for a touch, which does not bring it back.
pub(crate) async fn an_expired_record_does_not_exist_for_touch(t: &Trial<'_>) -> Outcome {
    let (key, _) = t.expired().await?;
    ensure(!t.store.touch(&key, t.late()).await?, "touch answered that there is a record")?;
    missing(t.store.load(&key, None).await?)
}

/// An expired record does not exist for a delete, which hands nothing back.
pub(crate) async fn an_expired_record_does_not_exist_for_delete(t: &Trial<'_>) -> Outcome {
    let (key, _) = t.expired().await?;
    missing(t.store.delete(&key).await?)
}

/// An expired record does not exist for a scan.
pub(crate) async fn an_expired_record_does_not_exist_for_scan(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    let (expired, _) = t.expired().await?;
    let (live, _) = t.kept(&t.record()).await?;
    let seen = scan_all(scan, 100).await?;
    ensure(seen.contains_key(&live), "the scan does not see the live record")?;
    ensure(!seen.contains_key(&expired), "the scan sees the expired record")
}

/// An expired record does not exist for a count.
pub(crate) async fn an_expired_record_does_not_exist_for_count(t: &Trial<'_>) -> Outcome {
    t.alone()?;
    let scan = t.scan()?;
    let before = scan.count().await?;
    t.expired().await?;
    same("the count", &scan.count().await?, &before)
}

/// An expired record does not exist for the number that a clear answers with.
pub(crate) async fn an_expired_record_does_not_exist_for_clear(t: &Trial<'_>) -> Outcome {
    t.alone()?;
    let scan = t.scan()?;
    scan.clear().await?;
    t.expired().await?;
    t.kept(&t.record()).await?;
    same("clear", &scan.clear().await?, &1)
}

/// An expired record does not exist for the list of its owner.
pub(crate) async fn an_expired_record_does_not_exist_for_list(t: &Trial<'_>) -> Outcome {
    let (owners, owner) = (t.owners()?, t.owner()?);
    let record = t.record_of(&owner, t.at(100)).with_expires_at(t.soon());
    let (expired, _) = t.kept(&record).await?;
    let (live, _) = t.kept(&t.record_of(&owner, t.at(100))).await?;
    t.wait_until(record.expires_at).await?;
    let listed = list_all(owners, &owner).await?;
    ensure(listed.contains_key(&live), "the live record is not listed")?;
    ensure(!listed.contains_key(&expired), "the expired record is listed")
}

/// An expired record does not exist for the number that a revocation answers with.
pub(crate) async fn an_expired_record_does_not_exist_for_revoke(t: &Trial<'_>) -> Outcome {
    let (owners, owner) = (t.owners()?, t.owner()?);
    let record = t.record_of(&owner, t.at(100)).with_expires_at(t.soon());
    t.kept(&record).await?;
    t.kept(&t.record_of(&owner, t.at(100))).await?;
    t.wait_until(record.expires_at).await?;
    same("revoke", &owners.revoke(&owner, t.at(100)).await?, &1)
}

/// A record created over an expired one has nothing of it, not even its owner.
pub(crate) async fn a_record_created_over_an_expired_one_has_nothing_of_it(t: &Trial<'_>) -> Outcome {
    let (owners, owner) = (t.owners()?, t.owner()?);
    let old = t.record_of(&owner, t.at(100)).with_expires_at(t.soon());
    let (key, _) = t.kept(&old).await?;
    t.wait_until(old.expires_at).await?;
    let record = t.record();
    let version = created(t.store.create(&key, &record).await?)?;
    ensure(list_all(owners, &owner).await?.is_empty(), "the owner of the expired record has the new one")?;
    same("revoke", &owners.revoke(&owner, t.at(100)).await?, &0)?;
    holds(t.store.load(&key, None).await?, &record, version)
}

/// A record that was touched lives until its later expiry.
pub(crate) async fn a_touched_record_lives_until_its_later_expiry(t: &Trial<'_>) -> Outcome {
    let mut record = t.record_until(t.soon());
    let (key, version) = t.kept(&record).await?;
    let first = record.expires_at;
    record.expires_at = first + t.limits.tick;
    ensure(t.store.touch(&key, record.expires_at).await?, "touch answered that there is no record")?;
    t.wait_until(first).await?;
    holds(t.store.load(&key, None).await?, &record, version)?;
    t.wait_until_just_before(record.expires_at).await?;
    holds(t.store.load(&key, None).await?, &record, version)?;
    t.wait_until(record.expires_at).await?;
    missing(t.store.load(&key, None).await?)
}

/// A record that was touched by a load lives until its later expiry.
pub(crate) async fn a_record_touched_by_a_load_lives_until_its_later_expiry(t: &Trial<'_>) -> Outcome {
    let mut record = t.record_until(t.soon());
    let (key, version) = t.kept(&record).await?;
    let first = record.expires_at;
    record.expires_at = first + t.limits.tick;
    let touch = Touch::new(Timestamp::NEVER, record.expires_at);
    there(t.store.load(&key, Some(touch)).await?)?;
    t.wait_until(first).await?;
    holds(t.store.load(&key, None).await?, &record, version)?;
    t.wait_until(record.expires_at).await?;
    missing(t.store.load(&key, None).await?)
}

/// A record that was updated lives until its new expiry, be it later or earlier.
pub(crate) async fn an_updated_record_lives_until_its_new_expiry(t: &Trial<'_>) -> Outcome {
    let first = t.soon();
    let later = t.record_until(first + t.limits.tick);
    let (key, version) = t.kept(&t.record_until(first)).await?;
    let version = updated(t.store.update(&key, version, &later).await?)?;
    let earlier = t.record_until(first);
    let (other, others) = t.kept(&t.record()).await?;
    updated(t.store.update(&other, others, &earlier).await?)?;
    t.wait_until(first).await?;
    holds(t.store.load(&key, None).await?, &later, version)?;
    missing(t.store.load(&other, None).await?)?;
    t.wait_until(later.expires_at).await?;
    missing(t.store.load(&key, None).await?)
}

/// A record that never expires is still there after other records have expired.
pub(crate) async fn a_record_that_never_expires_stays(t: &Trial<'_>) -> Outcome {
    let never = t.record_until(Timestamp::NEVER);
    let (created, version) = t.kept(&never).await?;
    let (became, first) = t.kept(&t.record_until(t.soon())).await?;
    let second = updated(t.store.update(&became, first, &never).await?)?;
    let (touched, third) = t.kept(&never.clone().with_expires_at(t.soon())).await?;
    t.store.touch(&touched, Timestamp::NEVER).await?;
    t.wait_until(t.soon()).await?;
    holds(t.store.load(&created, None).await?, &never, version)?;
    holds(t.store.load(&became, None).await?, &never, second)?;
    holds(t.store.load(&touched, None).await?, &never, third)
}

/// A record that never expired can be given an expiry.
pub(crate) async fn a_record_that_never_expired_can_be_given_an_expiry(t: &Trial<'_>) -> Outcome {
    let (key, version) = t.kept(&t.record_until(Timestamp::NEVER)).await?;
    let record = t.record_until(t.soon());
    let version = updated(t.store.update(&key, version, &record).await?)?;
    holds(t.store.load(&key, None).await?, &record, version)?;
    t.wait_until(record.expires_at).await?;
    missing(t.store.load(&key, None).await?)
}

/// An expiry comes back to the microsecond.
pub(crate) async fn an_expiry_comes_back_to_the_microsecond(t: &Trial<'_>) -> Outcome {
    let second = t.late() + Duration::from_secs(1);
    let whole = Timestamp::from_micros(second.as_micros() / 1_000_000 * 1_000_000);
    for micros in [0, 1, 999, 1_000, 500_001, 999_999] {
        let expiry = whole + Duration::from_micros(micros);
        let (key, _) = t.kept(&t.record_until(expiry)).await?;
        let stored = there(t.store.load(&key, None).await?)?;
        same("the expiry", &stored.record.expires_at, &expiry)?;
        let touched = expiry + Duration::from_secs(1);
        t.store.touch(&key, touched).await?;
        let stored = there(t.store.load(&key, None).await?)?;
        same("the expiry after a touch", &stored.record.expires_at, &touched)?;
    }
    Ok(())
}

/// The farthest expiries come back as they went in.
pub(crate) async fn the_farthest_expiries_come_back(t: &Trial<'_>) -> Outcome {
    let just_before_never = Timestamp::NEVER - Duration::from_micros(1);
    for expiry in [Timestamp::NEVER, just_before_never, t.now() + Duration::from_secs(100 * 366 * 86_400)] {
        let record = t.record_until(expiry);
        let (key, version) = t.kept(&record).await?;
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}
