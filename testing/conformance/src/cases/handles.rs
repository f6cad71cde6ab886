//! Every method is one atomic step, also between processes: what one handle did, the other sees at once.

use std::time::Duration;

use cloakroom_store::{CreateOutcome, UpdateOutcome};

use crate::cases::listing::list_all;
use crate::cases::scanning::scan_all;
use crate::expect::{conflict, ensure, holds, missing, same, there, updated};
use crate::failure::{Outcome, Stop};
use crate::trial::{Trial, owners};

/// What one handle creates, the other loads.
pub(crate) async fn a_create_is_seen_by_another_handle(t: &Trial<'_>) -> Outcome {
    let other = t.other_handle().await?;
    let record = t.record_of(&t.owner()?, t.at(100));
    let (key, version) = t.kept(&record).await?;
    holds(other.load(&key, None).await?, &record, version)?;
    same("create", &other.create(&key, &t.record()).await?, &CreateOutcome::AlreadyExists)
}

/// What one handle updates, the other no longer updates under the old version, although it loaded that.
pub(crate) async fn an_update_is_seen_by_another_handle(t: &Trial<'_>) -> Outcome {
    let other = t.other_handle().await?;
    let (key, version) = t.kept(&t.record()).await?;
    there(other.load(&key, None).await?)?;
    let record = t.record();
    let second = updated(t.store.update(&key, version, &record).await?)?;
    holds(other.load(&key, None).await?, &record, second)?;
    let stored = conflict(other.update(&key, version, &t.record()).await?)?;
    same("the version", &stored.version, &second)
}

/// What one handle touches, the other sees with its later expiry.
pub(crate) async fn a_touch_is_seen_by_another_handle(t: &Trial<'_>) -> Outcome {
    let other = t.other_handle().await?;
    let mut record = t.record();
    let (key, version) = t.kept(&record).await?;
    there(other.load(&key, None).await?)?;
    record.expires_at = record.expires_at + Duration::from_secs(60);
    t.store.touch(&key, record.expires_at).await?;
    holds(other.load(&key, None).await?, &record, version)
}

/// What one handle deletes is gone for the other, although that loaded it.
pub(crate) async fn a_delete_is_seen_by_another_handle(t: &Trial<'_>) -> Outcome {
    let other = t.other_handle().await?;
    let (key, version) = t.kept(&t.record()).await?;
    there(other.load(&key, None).await?)?;
    there(t.store.delete(&key).await?)?;
    missing(other.load(&key, None).await?)?;
    same("update", &other.update(&key, version, &t.record()).await?, &UpdateOutcome::NotFound)?;
    ensure(!other.touch(&key, t.late()).await?, "touch answered that there is a record")?;
    missing(t.store.load(&key, None).await?)
}

/// What one handle revokes, the other refuses.
pub(crate) async fn a_revocation_is_seen_by_another_handle(t: &Trial<'_>) -> Outcome {
    t.owners()?;
    let (other, owner) = (t.other_handle().await?, t.owner()?);
    let (key, _) = t.kept(&t.record_of(&owner, t.at(100))).await?;
    there(other.load(&key, None).await?)?;
    same("revoke", &owners(&*t.store)?.revoke(&owner, t.at(100)).await?, &1)?;
    missing(other.load(&key, None).await?)?;
    let answer = other.create(&t.key(), &t.record_of(&owner, t.at(100))).await?;
    same("create", &answer, &CreateOutcome::Revoked)
}

/// What one handle writes, the other lists and scans.
pub(crate) async fn a_record_is_listed_and_scanned_by_another_handle(t: &Trial<'_>) -> Outcome {
    let (other, owner) = (t.other_handle().await?, t.owner()?);
    let capabilities = other.capabilities();
    if capabilities.owners.is_none() && capabilities.scan.is_none() {
        return Err(Stop::NotApplicable("the store can neither list nor scan"));
    }
    let (key, _) = t.kept(&t.record_of(&owner, t.at(100))).await?;
    if let Some(owners) = capabilities.owners {
        ensure(list_all(owners, &owner).await?.contains_key(&key), "the other handle does not list it")?;
    }
    if let Some(scan) = capabilities.scan {
        ensure(scan_all(scan, 1_000).await?.contains_key(&key), "the other handle does not scan it")?;
    }
    Ok(())
}
