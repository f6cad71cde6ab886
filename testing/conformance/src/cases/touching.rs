//! `touch` moves the expiry later and nothing else.

use std::time::Duration;

use cloakroom_store::Timestamp;

use crate::expect::{ensure, holds, missing, updated};
use crate::failure::Outcome;
use crate::trial::Trial;

const A_MINUTE: Duration = Duration::from_secs(60);

/// A touch moves the expiry later, and says that there is a record.
pub(crate) async fn touch_moves_the_expiry_later(t: &Trial<'_>) -> Outcome {
    let mut record = t.record();
    let (key, version) = t.kept(&record).await?;
    for step in [Duration::from_micros(1), A_MINUTE] {
        record.expires_at = record.expires_at + step;
        ensure(t.store.touch(&key, record.expires_at).await?, "touch answered that there is no record")?;
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// A touch never moves the expiry earlier, and still says that there is a record.
pub(crate) async fn touch_never_moves_the_expiry_earlier(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, version) = t.kept(&record).await?;
    let earlier = record.expires_at - A_MINUTE;
    for expires_at in [record.expires_at, earlier, t.now(), t.at(0), Timestamp::EPOCH] {
        ensure(t.store.touch(&key, expires_at).await?, "touch answered that there is no record")?;
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// A touch never creates, and says that there is no record.
pub(crate) async fn touch_never_creates(t: &Trial<'_>) -> Outcome {
    let key = t.key();
    ensure(!t.store.touch(&key, t.late()).await?, "touch answered that there is a record")?;
    missing(t.store.load(&key, None).await?)
}

/// A touch never changes payload or owner.
pub(crate) async fn touch_moves_nothing_but_the_expiry(t: &Trial<'_>) -> Outcome {
    for sliding in [true, false] {
        let mut record = t.record_of(&t.owner()?, t.at(100)).with_sliding(sliding);
        let (key, version) = t.kept(&record).await?;
        record.expires_at = record.expires_at + A_MINUTE;
        ensure(t.store.touch(&key, record.expires_at).await?, "touch answered that there is no record")?;
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// A touch leaves the version alone, so that an update of it still succeeds.
pub(crate) async fn touch_leaves_the_version(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, version) = t.kept(&record).await?;
    t.store.touch(&key, record.expires_at + A_MINUTE).await?;
    updated(t.store.update(&key, version, &t.record()).await?)?;
    Ok(())
}

/// A touch also moves a record that is not sliding.
pub(crate) async fn touch_also_moves_a_record_that_is_not_sliding(t: &Trial<'_>) -> Outcome {
    let mut record = t.record().with_sliding(false);
    let (key, version) = t.kept(&record).await?;
    record.expires_at = record.expires_at + A_MINUTE;
    ensure(t.store.touch(&key, record.expires_at).await?, "touch answered that there is no record")?;
    holds(t.store.load(&key, None).await?, &record, version)
}

/// A record that never expires stays so under a touch, and a touch can make a record such a one.
pub(crate) async fn touch_knows_never(t: &Trial<'_>) -> Outcome {
    let never = t.record_until(Timestamp::NEVER);
    let (key, version) = t.kept(&never).await?;
    ensure(t.store.touch(&key, t.late()).await?, "touch answered that there is no record")?;
    holds(t.store.load(&key, None).await?, &never, version)?;
    let mut record = t.record();
    let (key, version) = t.kept(&record).await?;
    record.expires_at = Timestamp::NEVER;
    ensure(t.store.touch(&key, Timestamp::NEVER).await?, "touch answered that there is no record")?;
    holds(t.store.load(&key, None).await?, &record, version)
}

/// A touch moves one record and leaves the others.
pub(crate) async fn touch_moves_one_record_only(t: &Trial<'_>) -> Outcome {
    let record = t.record();
    let (key, _) = t.kept(&record).await?;
    let (other, version) = t.kept(&record).await?;
    t.store.touch(&key, record.expires_at + A_MINUTE).await?;
    holds(t.store.load(&other, None).await?, &record, version)
}
