//! `redis://…`, `rediss://…`, `redis+cluster://…` and `redis+sentinel://…`, whose settings the store reads by itself.

use std::sync::Arc;

use cloakroom_redis::RedisStore;

use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let servers = servers(url.whole);
    let failed = |error| did_not_open(&format!("redis at {servers}"), &error);
    let mut builder = RedisStore::builder(url.whole).map_err(failed)?;
    if let Some(trial) = &url.trial {
        builder = builder.prefix(format!("{}:", trial.prefix)).clock(Arc::new(trial.clock.clone()));
    }
    let store = builder.open().await.map_err(failed)?;
    let mut opened = Opened::new(store.clone(), format!("in Redis at {servers}"));
    if url.trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(store.remove_everything().await?) }));
    }
    Ok(opened)
}
