//! `memcached://user:password@host:port` or `memcached:/run/memcached.sock`.

use std::sync::Arc;

use cloakroom_memcached::MemcachedStore;

use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let servers = servers(url.whole);
    let mut builder = MemcachedStore::builder(url.whole);
    if let Some(trial) = url.trial {
        builder = builder.prefix(trial.prefix).clock(Arc::new(trial.clock));
    }
    let store = builder.open().await;
    let store = store.map_err(|error| did_not_open(&format!("memcached at {servers}"), &error))?;
    Ok(Opened {
        largest_payload: Some(store.largest_payload()),
        ..Opened::new(store, format!("in memcached at {servers}"))
    })
}
