//! `memcached://user:password@host:port` or `memcached:/run/memcached.sock`.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_memcached::MemcachedStore;

use super::bodies::OpenedBodies;
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

/// Opens the bodies of a Node application, under the `prefix` of the URL.
pub(super) async fn open_bodies(
    mut url: StoreUrl<'_>,
    lifetime: Option<Duration>,
) -> Result<OpenedBodies, Trouble> {
    let prefix = url.take("prefix", |text| Some(text.to_owned()))?.unwrap_or_default();
    let servers = servers(url.whole);
    let opened =
        MemcachedStore::builder(&url.without(&["layout", "prefix"])).prefix(prefix).open_bodies().await;
    let bodies = opened.map_err(|error| did_not_open(&format!("memcached at {servers}"), &error))?;
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in memcached at {servers}"), lifetime })
}
