//! `redb:PATH`, whose settings the store reads by itself.

use cloakroom_redb::RedbStore;

use super::url::StoreUrl;
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    // Beside the file: it may be in use.
    let beside = url.trial.as_ref().map(|trial| url.beside(&trial.prefix));
    let at = StoreUrl::parse(beside.as_deref().unwrap_or(url.whole))?;
    let place = at.path()?;
    let failed = |error| did_not_open(&format!("redb:{place}"), &error);
    let mut builder = RedbStore::from_url(at.whole).map_err(failed)?;
    if url.source {
        builder = builder.create_if_missing(false);
    }
    let trial = url.trial;
    if let Some(trial) = &trial {
        builder = builder.clock(trial.clock.clone());
    }
    let store = builder.build().await;
    if store.is_err() && trial.is_some() {
        let _made_in_part = tokio::fs::remove_file(&place).await;
    }
    let store = store.map_err(failed)?;
    let mut opened = Opened::new(store, format!("in the redb file {place}, for one process at a time"));
    if trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(tokio::fs::remove_file(place).await?) }));
    }
    Ok(opened)
}
