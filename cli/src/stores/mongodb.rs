//! `mongodb://user:password@host:port/database?…` or `mongodb+srv://…`, with the options of MongoDB's connection strings.

use std::sync::Arc;

use cloakroom_mongodb::MongoStore;

use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let servers = servers(url.whole);
    // Where the indexes are missing no store has been.
    let mut builder = MongoStore::builder(url.whole).create_indexes(!url.source);
    if let Some(trial) = &url.trial {
        builder = builder.collection(trial.prefix.clone()).clock(Arc::new(trial.clock.clone()));
    }
    let store = builder.open().await;
    let store = store.map_err(|error| did_not_open(&format!("mongodb at {servers}"), &error))?;
    let collection = store.collection();
    let mut opened = Opened::new(store, format!("in MongoDB at {servers}"));
    if url.trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(collection.drop().await?) }));
    }
    Ok(opened)
}
