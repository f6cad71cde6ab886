//! `redis://…`, `rediss://…`, `redis+cluster://…` and `redis+sentinel://…`, whose settings the store reads by itself.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_redis::RedisStore;

use super::bodies::OpenedBodies;
use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let servers = servers(url.whole);
    let failed = |error| did_not_open(&format!("redis at {servers}"), &error);
    let mut builder = RedisStore::from_url(url.whole).map_err(failed)?;
    if let Some(trial) = &url.trial {
        builder = builder.prefix(format!("{}:", trial.prefix)).clock(trial.clock.clone());
    }
    let store = builder.build().await.map_err(failed)?;
    let mut opened = Opened::new(store.clone(), format!("in Redis at {servers}"));
    if url.trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(store.drop_all().await?) }));
    }
    Ok(opened)
}

/// Opens the bodies of a Node application, under the prefix of the URL or under the `usual` one.
pub(super) async fn open_bodies(
    url: &str,
    usual: &str,
    lifetime: Option<Duration>,
) -> Result<OpenedBodies, Trouble> {
    let servers = servers(url);
    let failed = |error| did_not_open(&format!("redis at {servers}"), &error);
    let mut builder = RedisStore::from_url(url).map_err(failed)?;
    if StoreUrl::parse(url)?.settings()?.text("prefix").map_err(failed)?.is_none() {
        builder = builder.prefix(usual);
    }
    let bodies = builder.build_bodies().await.map_err(failed)?;
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in Redis at {servers}"), lifetime })
}
