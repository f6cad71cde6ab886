//! `mongodb://user:password@host:port/database?…` or `mongodb+srv://…`, whose settings the store reads by itself.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_mongodb::MongoStore;

use super::bodies::{Layout, NODE_SESSION_LIFETIME, OpenedBodies};
use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let servers = servers(url.whole);
    let failed = |error| did_not_open(&format!("mongodb at {servers}"), &error);
    let mut builder = MongoStore::from_url(url.whole).map_err(failed)?;
    if url.source {
        // Where the indexes are missing no store has been.
        builder = builder.create_indexes(false);
    }
    if let Some(trial) = &url.trial {
        builder = builder.collection(trial.prefix.clone()).clock(trial.clock.clone());
    }
    let store = builder.build().await.map_err(failed)?;
    let collection = store.collection();
    let mut opened = Opened::new(store, format!("in MongoDB at {servers}"));
    if url.trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(collection.drop().await?) }));
    }
    Ok(opened)
}

/// What bodies have of a URL beside what the client reads.
pub(crate) const BODY_SETTINGS: [&str; 4] = ["layout", "collection", "ended_collection", "stringify"];

/// How long a session lives after its last use whose cookie says nothing: the option `ttl` of connect-mongo, unless that is set.
const LIFETIME: Duration = Duration::from_secs(14 * 86_400);

/// Opens the bodies of a Node application, in `collection`; the marks of ended sessions are in `ended_collection`.
pub(super) async fn open_bodies(
    url: &str,
    layout: Layout,
    lifetime: Option<Duration>,
) -> Result<OpenedBodies, Trouble> {
    let servers = servers(url);
    let failed = |error| did_not_open(&format!("mongodb at {servers}"), &error);
    let mut builder = MongoStore::from_url(url).map_err(failed)?;
    let is_node_session = layout == Layout::NodeSessionCollection;
    let lifetime = Some(lifetime.unwrap_or(if is_node_session { NODE_SESSION_LIFETIME } else { LIFETIME }));
    if let Some(lifetime) = lifetime.filter(|_| is_node_session) {
        builder = builder.node_session(lifetime);
    }
    let bodies = builder.build_bodies().await.map_err(failed)?;
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in MongoDB at {servers}"), lifetime })
}
