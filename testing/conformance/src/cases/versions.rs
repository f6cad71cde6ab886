//! A version is never used twice for one key.

use std::collections::HashSet;

use cloakroom_store::{Store, StoreKey, Version};

use crate::cases::sweeping::sweep_all;
use crate::expect::{created, ensure, there, updated};
use crate::failure::Outcome;
use crate::trial::Trial;

/// The versions that a key has had.
#[derive(Default)]
struct Had(HashSet<Version>);

impl Had {
    #[track_caller]
    fn add(&mut self, version: Version) -> Outcome<Version> {
        ensure(self.0.insert(version), "a version was used twice")?;
        Ok(version)
    }

    /// Creates a record and updates it a few times.
    async fn write(&mut self, t: &Trial<'_>, store: &dyn Store, key: &StoreKey) -> Outcome {
        let mut version = self.add(created(store.create(key, &t.record()).await?)?)?;
        for _ in 0..4 {
            version = self.add(updated(store.update(key, version, &t.record()).await?)?)?;
        }
        Ok(())
    }
}

/// Every create and every update gives the record a version that the key has never had.
pub(crate) async fn a_version_is_never_used_twice(t: &Trial<'_>) -> Outcome {
    Had::default().write(t, &*t.store, &t.key()).await
}

/// A version is never used twice, not even after a delete.
pub(crate) async fn a_version_is_never_used_twice_not_even_after_a_delete(t: &Trial<'_>) -> Outcome {
    let (mut had, key) = (Had::default(), t.key());
    for _ in 0..5 {
        had.write(t, &*t.store, &key).await?;
        there(t.store.delete(&key).await?)?;
    }
    Ok(())
}

/// A version is never used twice, not even after the record expired.
pub(crate) async fn a_version_is_never_used_twice_not_even_after_expiry(t: &Trial<'_>) -> Outcome {
    let (key, version) = t.expired().await?;
    let mut had = Had(HashSet::from([version]));
    had.write(t, &*t.store, &key).await
}

/// A version is never used twice, not even after a sweep.
pub(crate) async fn a_version_is_never_used_twice_not_even_after_a_sweep(t: &Trial<'_>) -> Outcome {
    let sweep = t.sweep()?;
    let (key, version) = t.expired().await?;
    sweep_all(sweep, 100).await?;
    let mut had = Had(HashSet::from([version]));
    had.write(t, &*t.store, &key).await
}

/// A version is never used twice, not even after all records were cleared.
pub(crate) async fn a_version_is_never_used_twice_not_even_after_a_clear(t: &Trial<'_>) -> Outcome {
    t.alone()?;
    let scan = t.scan()?;
    let (mut had, key) = (Had::default(), t.key());
    for _ in 0..3 {
        had.write(t, &*t.store, &key).await?;
        scan.clear().await?;
    }
    Ok(())
}

/// A version is never used twice, not even after the owner was revoked.
pub(crate) async fn a_version_is_never_used_twice_not_even_after_a_revocation(t: &Trial<'_>) -> Outcome {
    let owner = t.owner()?;
    let (key, version) = t.kept(&t.record_of(&owner, t.at(100))).await?;
    t.owners()?.revoke(&owner, t.at(100)).await?;
    let mut had = Had(HashSet::from([version]));
    had.write(t, &*t.store, &key).await
}

/// A version is never used twice, not even by another handle.
pub(crate) async fn a_version_is_never_used_twice_not_even_by_another_handle(t: &Trial<'_>) -> Outcome {
    let (mut had, key) = (Had::default(), t.key());
    for store in [t.store.clone(), t.other_handle().await?, t.store.clone(), t.other_handle().await?] {
        had.write(t, &*store, &key).await?;
        there(store.delete(&key).await?)?;
    }
    Ok(())
}
