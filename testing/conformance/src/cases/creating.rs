//! `create` never overwrites.

use cloakroom_store::{CreateOutcome, Timestamp};

use crate::expect::{created, holds, missing, same, there};
use crate::failure::Outcome;
use crate::trial::Trial;

/// Where a live record has the key, it stays as it is, and the answer is `AlreadyExists`.
pub(crate) async fn create_never_overwrites(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, version) = t.kept(&record).await?;
    let other = t.record_of(&t.owner()?, t.at(100));
    for again in [&other, &record] {
        same("create", &t.store.create(&key, again).await?, &CreateOutcome::AlreadyExists)?;
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// A key whose record was deleted can be created again.
pub(crate) async fn create_after_a_delete_is_a_new_record(t: &Trial<'_>) -> Outcome {
    let (key, _) = t.kept(&t.record()).await?;
    there(t.store.delete(&key).await?)?;
    let record = t.record();
    let version = created(t.store.create(&key, &record).await?)?;
    holds(t.store.load(&key, None).await?, &record, version)
}

/// A record that is created past its own expiry does not exist.
pub(crate) async fn a_record_created_past_its_expiry_does_not_exist(t: &Trial<'_>) -> Outcome {
    for expires_at in [t.now(), t.at(0), Timestamp::EPOCH] {
        let key = t.key();
        created(t.store.create(&key, &t.record_until(expires_at)).await?)?;
        missing(t.store.load(&key, None).await?)?;
        created(t.store.create(&key, &t.record()).await?)?;
    }
    Ok(())
}

/// A create makes one record and leaves the others.
pub(crate) async fn create_makes_one_record_only(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (neighbour, version) = t.kept(&record).await?;
    let [key, untouched] = [t.key(), t.key()];
    created(t.store.create(&key, &t.record()).await?)?;
    holds(t.store.load(&neighbour, None).await?, &record, version)?;
    missing(t.store.load(&untouched, None).await?)
}
