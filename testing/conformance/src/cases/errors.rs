//! An error is not an answer, and nothing secret is in words.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::Arc;

use cloakroom_store::{Error, Record, Result, Store, StoreKey, Timestamp, Touch};

use crate::expect::ensure;
use crate::failure::{Failure, Outcome, Stop};
use crate::harness::Capability;
use crate::secret::Secret;
use crate::trial::Trial;

/// The capabilities that the harness promises are there.
pub(crate) async fn the_promised_capabilities_are_there(t: &Trial<'_>) -> Outcome {
    if t.limits.promised.is_empty() {
        return Err(Stop::NotApplicable("the harness promises no capability"));
    }
    let lost = t.limits.promised.iter().find(|capability| !capability.is_in(&*t.store));
    match lost {
        None => Ok(()),
        Some(capability) => {
            Err(Failure::answer(format!("the store has lost a capability: {capability:?}")).into())
        }
    }
}

async fn unreachable(t: &Trial<'_>) -> Outcome<Arc<dyn Store>> {
    t.harness.unreachable().await?.ok_or(Stop::NotApplicable("the harness has no handle that cannot look"))
}

#[track_caller]
fn failed<T: Debug>(what: &str, answer: Result<T>) -> Outcome<Error> {
    match answer {
        Err(error) => Ok(error),
        Ok(answer) => Err(Failure::answer(format!("{what} could not look, and answered {answer:?}")).into()),
    }
}

/// A store that cannot look says so: it never reports a record as missing, taken, gone or written.
pub(crate) async fn an_error_is_never_missing(t: &Trial<'_>) -> Outcome {
    let (key, version) = t.kept(&t.record()).await?;
    let (store, record) = (unreachable(t).await?, t.record());
    let touch = Touch::new(Timestamp::NEVER, Timestamp::NEVER);
    failed("load", store.load(&key, None).await)?;
    failed("load with a touch", store.load(&key, Some(touch)).await)?;
    failed("create", store.create(&t.key(), &record).await)?;
    failed("update", store.update(&key, version, &record).await)?;
    failed("touch", store.touch(&key, t.late()).await)?;
    failed("delete", store.delete(&key).await)?;
    Ok(())
}

/// A capability that cannot look says so: it never reports that there is nothing.
pub(crate) async fn an_error_is_never_nothing_for_a_capability(t: &Trial<'_>) -> Outcome {
    let (store, owner) = (unreachable(t).await?, t.owner()?);
    let capabilities = store.capabilities();
    if Capability::ALL.iter().all(|capability| !capability.is_in(&*store)) {
        return Err(Stop::NotApplicable("the store has no capability"));
    }
    if let Some(sweep) = capabilities.sweep {
        failed("sweep", sweep.sweep(1).await)?;
    }
    if let Some(scan) = capabilities.scan {
        failed("scan", scan.scan(None, 1).await)?;
        failed("count", scan.count().await)?;
        failed("clear", scan.clear().await)?;
    }
    if let Some(owners) = capabilities.owners {
        failed("list", owners.list(&owner, None, 10).await)?;
        failed("revoke", owners.revoke(&owner, t.at(100)).await)?;
    }
    Ok(())
}

/// A record whose key and payload differ from all other text.
async fn kept_secret(t: &Trial<'_>) -> Outcome<(Secret, StoreKey, Record)> {
    let secret = Secret::new();
    let key = t.keys_of(&[secret.key().to_vec()])?.remove(0);
    let record = Record::new(secret.payload().to_vec(), t.late());
    crate::expect::created(t.store.create(&key, &record).await?)?;
    Ok((secret, key, record))
}

/// No key and no payload is in the `Debug` of a store or of its capabilities.
pub(crate) async fn debug_shows_no_key_and_no_payload(t: &Trial<'_>) -> Outcome {
    let (secret, key, _) = kept_secret(t).await?;
    t.store.load(&key, None).await?;
    let (store, capabilities) = (&t.store, t.store.capabilities());
    let words = format!("{store:?} {store:#?} {capabilities:?} {capabilities:#?}");
    ensure(!secret.is_in(&words), "the Debug of the store shows a key or a payload")
}

/// No key and no payload is in an error, nor in what caused it.
pub(crate) async fn errors_show_no_key_and_no_payload(t: &Trial<'_>) -> Outcome {
    let (secret, key, record) = kept_secret(t).await?;
    let mut errors = Vec::new();
    if let Some(store) = t.harness.unreachable().await? {
        errors.push(failed("load", store.load(&key, None).await)?);
        errors.push(failed("create", store.create(&key, &record).await)?);
        errors.push(failed("delete", store.delete(&key).await)?);
    }
    if let Some(largest) = t.limits.max_payload_bytes {
        let too_large = Record::new(secret.payload_longer_than(largest), t.late());
        let other = t.keys_of(&[[secret.key(), b"2"].concat()])?.remove(0);
        errors.push(failed("create", t.store.create(&other, &too_large).await)?);
    }
    if errors.is_empty() {
        return Err(Stop::NotApplicable("the harness knows no way to an error"));
    }
    let told = errors.iter().any(|error| secret.is_in(&all_words(error)));
    ensure(!told, "an error, or what caused it, shows a key or a payload")
}

/// Everything that an error says, down to its first cause.
fn all_words(error: &Error) -> String {
    let mut words = vec![format!("{error:?} {error:#?}")];
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    words.join(" ")
}
