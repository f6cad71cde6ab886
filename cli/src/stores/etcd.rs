//! `etcd://user:password@host:port,host:port` or, for TLS, `etcds://…`, whose settings the store reads by itself.

use cloakroom_etcd::EtcdStore;

use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let servers = servers(url.whole);
    let failed = |error| did_not_open(&format!("etcd at {servers}"), &error);
    let mut builder = EtcdStore::from_url(url.whole).map_err(failed)?;
    if let Some(trial) = &url.trial {
        builder = builder.prefix(format!("{}/", trial.prefix)).clock(trial.clock.clone());
    }
    let store = builder.build().await.map_err(failed)?;
    let mut opened = Opened::new(store.clone(), format!("in etcd at {servers}"));
    opened.max_payload_bytes = Some(store.max_payload_bytes());
    if url.trial.is_some() {
        let handle = store.clone();
        opened.release = Some(Box::pin(async move { Ok(handle.end_leases().await?) }));
        opened.tidy = Some(Box::pin(async move { Ok(store.drop_all().await?) }));
    }
    Ok(opened)
}
