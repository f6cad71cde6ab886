//! `clear` removes every record, and keeps revocations. Only run on a store that the suite has to itself.

use cloakroom_store::{CreateOutcome, Record};

use crate::cases::listing::list_all;
use crate::cases::scanning::scan_all;
use crate::expect::{created, ensure, missing, same};
use crate::failure::Outcome;
use crate::trial::Trial;

/// A clear removes every record, whatever its expiry or owner.
pub(crate) async fn clear_removes_every_record(t: &Trial<'_>) -> Outcome {
    t.alone()?;
    let (scan, owner) = (t.scan()?, t.owner()?);
    let records =
        [t.record(), t.record_of(&owner, t.at(100)), t.record_until(cloakroom_store::Timestamp::NEVER)];
    let mut keys = Vec::new();
    for record in records {
        keys.push(t.kept(&record).await?.0);
    }
    scan.clear().await?;
    for key in &keys {
        missing(t.store.load(key, None).await?)?;
    }
    same("the count", &scan.count().await?, &0)?;
    ensure(scan_all(scan, 100).await?.is_empty(), "a scan sees a record")?;
    match t.owners() {
        Ok(owners) => ensure(list_all(owners, &owner).await?.is_empty(), "the owner's list has a record"),
        Err(_) => Ok(()),
    }
}

/// A clear says how many live records there were.
pub(crate) async fn clear_says_how_many_live_records_there_were(t: &Trial<'_>) -> Outcome {
    t.alone()?;
    let scan = t.scan()?;
    let before = scan.count().await?;
    for _ in 0..3 {
        t.kept(&t.record()).await?;
    }
    same("clear", &scan.clear().await?, &(before + 3))?;
    same("a second clear", &scan.clear().await?, &0)
}

/// A clear also removes what has expired, so that a sweep finds nothing.
pub(crate) async fn clear_also_removes_what_has_expired(t: &Trial<'_>) -> Outcome {
    t.alone()?;
    let (scan, sweep) = (t.scan()?, t.sweep()?);
    t.expired().await?;
    scan.clear().await?;
    same("the number that a sweep removes", &sweep.sweep(100).await?.removed, &0)
}

/// A store that was cleared takes records again.
pub(crate) async fn a_cleared_store_takes_records_again(t: &Trial<'_>) -> Outcome {
    t.alone()?;
    let (key, _) = t.kept(&t.record()).await?;
    t.scan()?.clear().await?;
    created(t.store.create(&key, &t.record()).await?)?;
    same("the count", &t.scan()?.count().await?, &1)
}

/// A clear keeps revocations.
pub(crate) async fn clear_keeps_revocations(t: &Trial<'_>) -> Outcome {
    t.alone()?;
    let (owners, owner) = (t.owners()?, t.owner()?);
    owners.revoke(&owner, t.at(100)).await?;
    t.scan()?.clear().await?;
    let record: Record = t.record_of(&owner, t.at(100));
    same("create", &t.store.create(&t.key(), &record).await?, &CreateOutcome::Revoked)
}
