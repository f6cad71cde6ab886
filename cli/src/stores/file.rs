//! `file:DIR`, with `durability=machine|process`.

use std::sync::Arc;

use cloakroom_tower::stores::{Durability, FileStore};

use super::url::{StoreUrl, Survives};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let durability = match url.take("durability", Survives::read)? {
        None => Durability::default(),
        Some(Survives::Machine) => Durability::Machine,
        Some(Survives::Process) => Durability::Process,
    };
    let trial = url.trial.take();
    let mut place = url.place()?;
    if let Some(trial) = &trial {
        // Beside the folder: it may be in use.
        place = format!("{}.{}", place.trim_end_matches('/'), trial.prefix);
    }
    let mut builder = FileStore::builder(&place).durability(durability);
    if let Some(trial) = &trial {
        builder = builder.clock(Arc::new(trial.clock.clone()));
    }
    let store = builder.open().await;
    let store = store.map_err(|error| did_not_open(&format!("file:{place}"), &error))?;
    let mut opened = Opened::new(store, format!("in the folder {place}"));
    if trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(tokio::fs::remove_dir_all(place).await?) }));
    }
    Ok(opened)
}
