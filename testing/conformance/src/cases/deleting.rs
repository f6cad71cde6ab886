//! `delete` is final.

use cloakroom_store::{Timestamp, Touch, UpdateOutcome};

use crate::expect::{created, ensure, holds, missing, same, there, updated};
use crate::failure::Outcome;
use crate::trial::Trial;

/// A delete removes the record.
pub(crate) async fn delete_removes_the_record(t: &Trial<'_>) -> Outcome {
    let (key, _) = t.kept(&t.record()).await?;
    t.store.delete(&key).await?;
    missing(t.store.load(&key, None).await?)
}

/// A delete hands back what it removed, as it was last.
pub(crate) async fn delete_hands_back_what_it_removed(t: &Trial<'_>) -> Outcome {
    let (key, version) = t.kept(&t.record()).await?;
    let record = t.record_of(&t.owner()?, t.at(100)).with_sliding(false);
    let version = updated(t.store.update(&key, version, &record).await?)?;
    holds(t.store.delete(&key).await?, &record, version)
}

/// Deleting what is not there finds nothing.
pub(crate) async fn delete_of_an_unknown_key_finds_nothing(t: &Trial<'_>) -> Outcome {
    let key = t.key();
    missing(t.store.delete(&key).await?)?;
    missing(t.store.load(&key, None).await?)
}

/// Deleting twice is fine.
pub(crate) async fn delete_twice_is_fine(t: &Trial<'_>) -> Outcome {
    let key = t.key();
    created(t.store.create(&key, &t.record()).await?)?;
    there(t.store.delete(&key).await?)?;
    missing(t.store.delete(&key).await?)
}

/// An update does not make a deleted record exist again.
pub(crate) async fn delete_is_final_for_an_update(t: &Trial<'_>) -> Outcome {
    let (key, version) = t.kept(&t.record()).await?;
    there(t.store.delete(&key).await?)?;
    same("update", &t.store.update(&key, version, &t.record()).await?, &UpdateOutcome::NotFound)?;
    missing(t.store.load(&key, None).await?)
}

/// A touch does not make a deleted record exist again.
pub(crate) async fn delete_is_final_for_a_touch(t: &Trial<'_>) -> Outcome {
    let (key, _) = t.kept(&t.record()).await?;
    there(t.store.delete(&key).await?)?;
    ensure(!t.store.touch(&key, t.late()).await?, "touch answered that there is a record")?;
    missing(t.store.load(&key, None).await?)
}

/// A load with a touch does not make a deleted record exist again.
pub(crate) async fn delete_is_final_for_a_load_with_a_touch(t: &Trial<'_>) -> Outcome {
    let (key, _) = t.kept(&t.record()).await?;
    there(t.store.delete(&key).await?)?;
    let touch = Touch::new(Timestamp::NEVER, Timestamp::NEVER);
    missing(t.store.load(&key, Some(touch)).await?)?;
    missing(t.store.load(&key, None).await?)
}

/// A delete removes one record and leaves the others.
pub(crate) async fn delete_removes_one_record_only(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, _) = t.kept(&t.record()).await?;
    let (other, version) = t.kept(&record).await?;
    there(t.store.delete(&key).await?)?;
    holds(t.store.load(&other, None).await?, &record, version)
}
