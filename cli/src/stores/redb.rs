//! `redb:PATH`, with `durability=machine|process` and `cache=BYTES`.

use std::sync::Arc;

use cloakroom_redb::{Durability, RedbStore};

use super::url::{StoreUrl, Survives};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let durability = match url.take("durability", Survives::read)? {
        None => Durability::default(),
        Some(Survives::Machine) => Durability::Machine,
        Some(Survives::Process) => Durability::Process,
    };
    let cache = url.take("cache", |text| text.parse().ok())?;
    let (trial, source) = (url.trial.take(), url.source);
    let mut place = url.place()?;
    if let Some(trial) = &trial {
        // Beside the file: it may be in use.
        place = format!("{place}.{}", trial.prefix);
    }
    let mut builder = RedbStore::builder(&place).durability(durability).create_if_missing(!source);
    if let Some(bytes) = cache {
        builder = builder.cache(bytes);
    }
    if let Some(trial) = &trial {
        builder = builder.clock(Arc::new(trial.clock.clone()));
    }
    let store = builder.open().await;
    if store.is_err() && trial.is_some() {
        let _made_in_part = tokio::fs::remove_file(&place).await;
    }
    let store = store.map_err(|error| did_not_open(&format!("redb:{place}"), &error))?;
    let mut opened = Opened::new(store, format!("in the redb file {place}, for one process at a time"));
    if trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(tokio::fs::remove_file(place).await?) }));
    }
    Ok(opened)
}
