//! `update` replaces exactly the version named, and never creates.

use std::time::Duration;

use cloakroom_store::{Timestamp, UpdateOutcome};

use crate::expect::{conflict, created, ensure, holds, missing, same, same_record, there, updated};
use crate::failure::Outcome;
use crate::trial::Trial;

/// An update replaces the record whole: payload, expiry, whether it slides, and owner.
pub(crate) async fn update_replaces_the_whole_record(t: &Trial<'_>) -> Outcome {
    let (key, mut version) = t.kept(&t.record()).await?;
    let owned = t.record_of(&t.owner()?, t.at(100));
    let fixed = t.record().with_sliding(false).with_expires_at(t.late() + Duration::from_secs(60));
    for record in [owned, fixed, t.record()] {
        let next = updated(t.store.update(&key, version, &record).await?)?;
        holds(t.store.load(&key, None).await?, &record, next)?;
        version = next;
    }
    Ok(())
}

/// An update where no live record is answers `NotFound`, and creates nothing.
pub(crate) async fn update_never_creates(t: &Trial<'_>) -> Outcome {
    let (_, version) = t.kept(&t.record()).await?;
    let key = t.key();
    same("update", &t.store.update(&key, version, &t.record()).await?, &UpdateOutcome::NotFound)?;
    missing(t.store.load(&key, None).await?)
}

/// An update of another version than the one that is there changes nothing.
pub(crate) async fn update_replaces_exactly_the_version_named(t: &Trial<'_>) -> Outcome {
    let (key, first) = t.kept(&t.record()).await?;
    let (_, foreign) = t.kept(&t.record()).await?;
    let record = t.record();
    let second = updated(t.store.update(&key, first, &record).await?)?;
    for wrong in [first, foreign] {
        if wrong == second {
            continue; // versions of different keys may be equal
        }
        conflict(t.store.update(&key, wrong, &t.record()).await?)?;
        holds(t.store.load(&key, None).await?, &record, second)?;
    }
    Ok(())
}

/// `Conflict` carries what is there instead: the record and its version.
pub(crate) async fn conflict_carries_what_is_there(t: &Trial<'_>) -> Outcome {
    let (key, first) = t.kept(&t.record()).await?;
    let record = t.record_of(&t.owner()?, t.at(100)).with_sliding(false);
    let second = updated(t.store.update(&key, first, &record).await?)?;
    let stored = conflict(t.store.update(&key, first, &t.record()).await?)?;
    same_record(&stored.record, &record)?;
    same("the version", &stored.version, &second)?;
    updated(t.store.update(&key, stored.version, &t.record()).await?)?;
    Ok(())
}

/// An update that changes nothing gives the record another version all the same.
pub(crate) async fn an_update_always_gives_another_version(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, first) = t.kept(&record).await?;
    let second = updated(t.store.update(&key, first, &record).await?)?;
    ensure(first != second, "the version is the same as before the update")?;
    conflict(t.store.update(&key, first, &record).await?)?;
    Ok(())
}

/// An expiry that is earlier than the present one is taken as it is.
pub(crate) async fn update_takes_an_earlier_expiry_as_it_is(t: &Trial<'_>) -> Outcome {
    let (key, version) = t.kept(&t.record()).await?;
    let earlier = t.record_until(t.late() - Duration::from_secs(3_600));
    let version = updated(t.store.update(&key, version, &earlier).await?)?;
    holds(t.store.load(&key, None).await?, &earlier, version)
}

/// A record that is already past its own expiry is gone as soon as it is written.
pub(crate) async fn an_update_past_its_own_expiry_is_gone_at_once(t: &Trial<'_>) -> Outcome {
    for expires_at in [t.now(), t.at(0), Timestamp::EPOCH] {
        let (key, version) = t.kept(&t.record()).await?;
        let version = updated(t.store.update(&key, version, &t.record_until(expires_at)).await?)?;
        missing(t.store.load(&key, None).await?)?;
        same("update", &t.store.update(&key, version, &t.record()).await?, &UpdateOutcome::NotFound)?;
    }
    Ok(())
}

/// A record that was deleted and created again is not the one that an older version names.
pub(crate) async fn an_update_from_before_a_delete_never_meets_the_new_record(t: &Trial<'_>) -> Outcome {
    let (key, old) = t.kept(&t.record()).await?;
    there(t.store.delete(&key).await?)?;
    let record = t.record();
    let new = created(t.store.create(&key, &record).await?)?;
    let stored = conflict(t.store.update(&key, old, &t.record()).await?)?;
    same("the version", &stored.version, &new)?;
    holds(t.store.load(&key, None).await?, &record, new)
}

/// An update changes one record and leaves the others.
pub(crate) async fn update_changes_one_record_only(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, version) = t.kept(&t.record()).await?;
    let (other, others) = t.kept(&record).await?;
    updated(t.store.update(&key, version, &t.record()).await?)?;
    holds(t.store.load(&other, None).await?, &record, others)
}
