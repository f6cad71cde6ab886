//! `delete` is final.

use crate::expect::{created, missing, there};
use crate::failure::Outcome;
use crate::trial::Trial;

/// Deleting twice is fine.
pub(crate) async fn delete_twice_is_fine(t: &Trial<'_>) -> Outcome {
    let key = t.key();
    created(t.store.create(&key, &t.record()).await?)?;
    there(t.store.delete(&key).await?)?;
    missing(t.store.delete(&key).await?)
}
