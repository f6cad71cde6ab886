//! `etcd://user:password@host:port,host:port` or, for TLS, `etcds://…`, with `prefix=NAME`.

use std::sync::Arc;

use cloakroom_etcd::EtcdStore;

use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let (whole, servers) = (url.whole.split('?').next().unwrap_or_default(), servers(url.whole));
    let mut builder = EtcdStore::builder(whole);
    if let Some(prefix) = url.take("prefix", |text| Some(text.to_owned()))? {
        builder = builder.prefix(prefix);
    }
    let trial = url.trial.take();
    url.place()?;
    if let Some(trial) = &trial {
        builder = builder.prefix(format!("{}/", trial.prefix)).clock(Arc::new(trial.clock.clone()));
    }
    let store = builder.open().await;
    let store = store.map_err(|error| did_not_open(&format!("etcd at {servers}"), &error))?;
    let mut opened = Opened::new(store.clone(), format!("in etcd at {servers}"));
    opened.largest_payload = Some(store.largest_payload());
    if trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(store.remove_everything().await?) }));
    }
    Ok(opened)
}
