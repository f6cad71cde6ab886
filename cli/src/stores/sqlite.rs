//! `sqlite:PATH`, with `durability=machine|process`, `prefix=NAME`, `busy_timeout=5s` and `readers=N`.

use std::sync::Arc;

use cloakroom_sqlite::{Durability, SqliteStore, rusqlite};

use super::url::{StoreUrl, Survives};
use super::{Opened, did_not_open};
use crate::span;
use crate::trouble::Trouble;

pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let durability = url.take("durability", Survives::read)?;
    let prefix = url.take("prefix", |text| Some(text.to_owned()))?;
    let busy_timeout = url.take("busy_timeout", |text| span::parse(text).ok())?;
    let readers = url.take("readers", |text| text.parse().ok())?;
    let trial = url.trial.take();
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
    if let Some(trial) = &trial {
        builder = builder.table_prefix(trial.prefix.clone()).clock(Arc::new(trial.clock.clone()));
    }
    let store = builder.open().await.map_err(|error| did_not_open(&format!("sqlite:{place}"), &error))?;
    let mut opened = Opened::new(store, format!("in the SQLite file {place}"));
    if let Some(trial) = trial {
        opened.tidy = Some(Box::pin(async move { Ok(drop_tables(&place, &trial.prefix)?) }));
    }
    Ok(opened)
}

fn drop_tables(place: &str, prefix: &str) -> rusqlite::Result<()> {
    let tables = format!("DROP TABLE {prefix}records; DROP TABLE {prefix}revocations;");
    rusqlite::Connection::open(place)?.execute_batch(&tables)
}
