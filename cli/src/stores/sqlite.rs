//! `sqlite:PATH`, with `durability=machine|process`, `prefix=NAME`, `busy_timeout=5s` and `readers=N`.

use std::sync::Arc;

use cloakroom_sqlite::{Durability, SqliteStore};

use super::url::{StoreUrl, Survives};
use super::{Opened, did_not_open};
use crate::span;
use crate::trouble::Trouble;

pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let durability = url.take("durability", Survives::read)?;
    let prefix = url.take("prefix", |text| Some(text.to_owned()))?;
    let busy_timeout = url.take("busy_timeout", |text| span::parse(text).ok())?;
    let readers = url.take("readers", |text| text.parse().ok())?;
    let place = url.place()?;
    let mut builder = SqliteStore::builder(&place);
    if let Some(survives) = durability {
        builder = builder.durability(match survives {
            Survives::Machine => Durability::Machine,
            Survives::Process => Durability::Process,
        });
    }
    if let Some(prefix) = prefix {
        builder = builder.table_prefix(prefix);
    }
    if let Some(timeout) = busy_timeout {
        builder = builder.busy_timeout(timeout);
    }
    if let Some(readers) = readers {
        builder = builder.readers(readers);
    }
    let store = builder.open().await.map_err(|error| did_not_open(&format!("sqlite:{place}"), &error))?;
    Ok(Opened { store: Arc::new(store), place: format!("in the SQLite file {place}") })
}
