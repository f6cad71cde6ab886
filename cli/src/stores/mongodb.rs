//! `mongodb://user:password@host:port/database?…` or `mongodb+srv://…`, with the options of MongoDB's connection strings.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_mongodb::MongoStore;

use super::bodies::OpenedBodies;
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

/// What [`open_bodies`] reads of a URL; the rest is the client's.
pub(crate) const BODY_SETTINGS: [&str; 4] = ["layout", "collection", "ended_collection", "stringify"];

/// How long a session lives after its last use whose cookie says nothing: the option `ttl` of connect-mongo, unless that is set.
const LIFETIME: Duration = Duration::from_secs(14 * 86_400);

/// Opens the bodies of a Node application, in `collection`; the marks of ended sessions are in `ended_collection`.
pub(super) async fn open_bodies(
    mut url: StoreUrl<'_>,
    lifetime: Option<Duration>,
) -> Result<OpenedBodies, Trouble> {
    let servers = servers(url.whole);
    let mut builder = MongoStore::builder(&url.without(&BODY_SETTINGS)).stringify(take_stringify(&mut url)?);
    if let Some(collection) = url.take("collection", |text| Some(text.to_owned()))? {
        builder = builder.collection(collection);
    }
    if let Some(collection) = url.take("ended_collection", |text| Some(text.to_owned()))? {
        builder = builder.ended_collection(collection);
    }
    let opened = builder.open_bodies().await;
    let bodies = opened.map_err(|error| did_not_open(&format!("mongodb at {servers}"), &error))?;
    let lifetime = Some(lifetime.unwrap_or(LIFETIME));
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in MongoDB at {servers}"), lifetime })
}

/// Takes the setting `stringify`, which is the option of connect-mongo.
pub(super) fn take_stringify(url: &mut StoreUrl<'_>) -> Result<bool, Trouble> {
    Ok(url.take("stringify", |text| text.parse().ok())?.unwrap_or(true))
}
