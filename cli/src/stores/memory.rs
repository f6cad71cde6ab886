//! `memory:`, whose settings the store reads by itself.

use cloakroom_tower::stores::MemoryStore;

use super::url::StoreUrl;
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) fn open(url: &StoreUrl<'_>) -> Result<Opened, Trouble> {
    let mut builder = MemoryStore::from_url(url.whole).map_err(|error| did_not_open("memory:", &error))?;
    if let Some(trial) = &url.trial {
        builder = builder.clock(trial.clock.clone());
    }
    Ok(Opened { alone: true, ..Opened::new(builder.build(), "in memory, until this process ends") })
}
