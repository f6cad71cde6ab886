//! `file:DIR`, whose settings the store reads by itself.

use std::io::{self, ErrorKind};
use std::time::Duration;

use cloakroom_tower::stores::FileStore;

use super::url::StoreUrl;
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

/// How often, and how long apart, a folder is removed that something is still put into.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(5);

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    // Beside the folder: it may be in use.
    let beside = url.trial.as_ref().map(|trial| url.beside(&trial.prefix));
    let at = StoreUrl::parse(beside.as_deref().unwrap_or(url.whole))?;
    let place = at.path()?;
    let failed = |error| did_not_open(&format!("file:{place}"), &error);
    let mut builder = FileStore::from_url(at.whole).map_err(failed)?;
    if url.source {
        builder = builder.create_if_missing(false);
    }
    let trial = url.trial;
    if let Some(trial) = &trial {
        builder = builder.clock(trial.clock.clone());
    }
    let store = builder.build().await;
    if store.is_err() && trial.is_some() {
        let _made_in_part = remove(&place).await;
    }
    let store = store.map_err(failed)?;
    let mut opened = Opened::new(store, format!("in the folder {place}"));
    if trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(remove(&place).await?) }));
    }
    Ok(opened)
}

/// Removes a trial's folder. A write that was given up may still be putting files there.
async fn remove(folder: &str) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match tokio::fs::remove_dir_all(folder).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
            // Looks once more whether it is gone.
            Ok(()) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}
