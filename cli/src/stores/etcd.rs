//! `etcd://user:password@host:port,host:port` or, for TLS, `etcds://…`, with `prefix=NAME`, `ca=FILE`, `cert=FILE`,
//! `key=FILE`, `timeout=5s` and `largest_payload=BYTES`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloakroom_etcd::EtcdStore;

use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::span;
use crate::trouble::Trouble;

pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let (whole, servers) = (url.whole.split('?').next().unwrap_or_default(), servers(url.whole));
    let mut builder = EtcdStore::builder(whole);
    if let Some(prefix) = url.take("prefix", |text| Some(text.to_owned()))? {
        builder = builder.prefix(prefix);
    }
    let path = |text: &str| Some(PathBuf::from(text));
    if let Some(ca) = url.take("ca", path)? {
        builder = builder.root_certificates(read(&ca)?);
    }
    builder = match (url.take("cert", path)?, url.take("key", path)?) {
        (None, None) => builder,
        (Some(cert), Some(key)) => builder.client_certificate(read(&cert)?, read(&key)?),
        _ => return Err(Trouble::usage("the settings cert and key of an etcd store belong together")),
    };
    if let Some(timeout) = url.take("timeout", |text| span::parse(text).ok())? {
        builder = builder.timeout(timeout);
    }
    if let Some(bytes) = url.take("largest_payload", |text| text.parse().ok())? {
        builder = builder.largest_payload(bytes);
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
        let handle = store.clone();
        opened.release = Some(Box::pin(async move { Ok(handle.end_leases().await?) }));
        opened.tidy = Some(Box::pin(async move { Ok(store.remove_everything().await?) }));
    }
    Ok(opened)
}

fn read(file: &Path) -> Result<Vec<u8>, Trouble> {
    std::fs::read(file).map_err(|error| Trouble::usage(format!("{} cannot be read: {error}", file.display())))
}
