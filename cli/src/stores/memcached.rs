//! `memcached://user:password@host:port` or `memcached:/run/memcached.sock`, whose settings the store reads by itself.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_memcached::MemcachedStore;

use super::bodies::OpenedBodies;
use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let servers = servers(url.whole);
    let failed = |error| did_not_open(&format!("memcached at {servers}"), &error);
    let mut builder = MemcachedStore::from_url(url.whole).map_err(failed)?;
    if let Some(trial) = url.trial {
        builder = builder.prefix(trial.prefix).clock(trial.clock);
    }
    let store = builder.build().await.map_err(failed)?;
    Ok(Opened {
        max_payload_bytes: Some(store.max_payload_bytes()),
        ..Opened::new(store, format!("in memcached at {servers}"))
    })
}

/// Opens the bodies of a Node application, under the `prefix` of the URL.
pub(super) async fn open_bodies(url: &str, lifetime: Option<Duration>) -> Result<OpenedBodies, Trouble> {
    let servers = servers(url);
    let failed = |error| did_not_open(&format!("memcached at {servers}"), &error);
    let builder = MemcachedStore::from_url(url).map_err(failed)?;
    let bodies = builder.build_bodies().await.map_err(failed)?;
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in memcached at {servers}"), lifetime })
}
