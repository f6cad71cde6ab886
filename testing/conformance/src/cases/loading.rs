//! `load`, and the touch that may ride on it.

use std::time::Duration;

use cloakroom_store::{Owner, Record, Timestamp, Touch};

use crate::expect::{holds, missing, same, same_record, there};
use crate::failure::Outcome;
use crate::trial::Trial;

const A_MINUTE: Duration = Duration::from_secs(60);

/// A touch that is due for `record` and makes it live a minute longer.
fn due(record: &Record) -> Touch {
    Touch::new(record.expires_at + A_MINUTE, record.expires_at + A_MINUTE)
}

/// A record is loaded as it was created: payload, expiry, whether it slides, and owner.
pub(crate) async fn load_finds_what_was_created(t: &Trial<'_>) -> Outcome {
    for sliding in [true, false] {
        let owner = Owner::new(t.owner()?, t.at(100));
        for owner in [None, Some(owner)] {
            let record = t.record().with_sliding(sliding).with_owner(owner);
            let (key, version) = t.kept(&record).await?;
            holds(t.store.load(&key, None).await?, &record, version)?;
        }
    }
    Ok(())
}

/// A key that has no record is missing, with or without a touch.
pub(crate) async fn load_of_an_unknown_key_finds_nothing(t: &Trial<'_>) -> Outcome {
    let key = t.key();
    missing(t.store.load(&key, None).await?)?;
    missing(t.store.load(&key, Some(due(&t.record()))).await?)?;
    missing(t.store.load(&key, None).await?)
}

/// A load without a touch changes nothing.
pub(crate) async fn load_changes_nothing(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, version) = t.kept(&record).await?;
    for _ in 0..3 {
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// A load with a touch that is due moves the expiry.
pub(crate) async fn load_with_a_due_touch_moves_the_expiry(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, _) = t.kept(&record).await?;
    let touch = due(&record);
    there(t.store.load(&key, Some(touch)).await?)?;
    let stored = there(t.store.load(&key, None).await?)?;
    same("the expiry", &stored.record.expires_at, &touch.expires_at)
}

/// The answer of a load that moved the expiry carries the new one.
pub(crate) async fn load_with_a_touch_answers_with_the_new_expiry(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, _) = t.kept(&record).await?;
    let touch = due(&record);
    let stored = there(t.store.load(&key, Some(touch)).await?)?;
    same("the expiry", &stored.record.expires_at, &touch.expires_at)
}

/// A touch is due only if the expiry is earlier than `due_before`.
pub(crate) async fn load_with_a_touch_that_is_not_due_leaves_the_expiry(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, version) = t.kept(&record).await?;
    let later = record.expires_at + A_MINUTE;
    for due_before in [Timestamp::EPOCH, t.now(), record.expires_at] {
        let touch = Touch::new(due_before, later);
        holds(t.store.load(&key, Some(touch)).await?, &record, version)?;
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    let just_due = Touch::new(record.expires_at + Duration::from_micros(1), later);
    let stored = there(t.store.load(&key, Some(just_due)).await?)?;
    same("the expiry, once the touch is due by a microsecond", &stored.record.expires_at, &later)
}

/// A touch that rides on a load never moves the expiry earlier.
pub(crate) async fn load_with_a_touch_never_moves_the_expiry_earlier(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, version) = t.kept(&record).await?;
    for expires_at in [record.expires_at - A_MINUTE, t.now(), Timestamp::EPOCH] {
        let touch = Touch::new(Timestamp::NEVER, expires_at);
        holds(t.store.load(&key, Some(touch)).await?, &record, version)?;
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// A touch rides only on a record that is sliding.
pub(crate) async fn a_touch_rides_only_on_sliding_records(t: &Trial<'_>) -> Outcome {
    let record = t.record().with_sliding(false);
    let (key, version) = t.kept(&record).await?;
    holds(t.store.load(&key, Some(due(&record))).await?, &record, version)?;
    holds(t.store.load(&key, None).await?, &record, version)
}

/// A load with a touch leaves the version, the payload and the owner.
pub(crate) async fn load_with_a_touch_moves_nothing_but_the_expiry(t: &Trial<'_>) -> Outcome {
    let record = t.record_of(&t.owner()?, t.at(100));
    let (key, version) = t.kept(&record).await?;
    let touch = due(&record);
    let moved = record.with_expires_at(touch.expires_at);
    holds(t.store.load(&key, Some(touch)).await?, &moved, version)?;
    holds(t.store.load(&key, None).await?, &moved, version)
}

/// A load with a touch of one record leaves the others.
pub(crate) async fn load_with_a_touch_moves_one_record_only(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, _) = t.kept(&record).await?;
    let (other, version) = t.kept(&record).await?;
    let stored = there(t.store.load(&key, Some(due(&record))).await?)?;
    same_record(&stored.record, &record.clone().with_expires_at(due(&record).expires_at))?;
    holds(t.store.load(&other, None).await?, &record, version)
}
