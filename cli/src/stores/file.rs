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
    let place = url.place()?;
    let store = FileStore::builder(&place).durability(durability).open().await;
    let store = store.map_err(|error| did_not_open(&format!("file:{place}"), &error))?;
    Ok(Opened { store: Arc::new(store), place: format!("in the folder {place}") })
}
