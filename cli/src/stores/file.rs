//! `file:DIR`, with `durability=machine|process`.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_tower::stores::{Durability, FileStore};

use super::url::{StoreUrl, Survives};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

/// How often, and how long apart, a folder is removed that something is still put into.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(5);

pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let durability = match url.take("durability", Survives::read)? {
        None => Durability::default(),
        Some(Survives::Machine) => Durability::Machine,
        Some(Survives::Process) => Durability::Process,
    };
    let (trial, source) = (url.trial.take(), url.source);
    let mut place = url.place()?;
    if let Some(trial) = &trial {
        // Beside the folder: it may be in use.
        place = format!("{}.{}", place.trim_end_matches('/'), trial.prefix);
    }
    let mut builder = FileStore::builder(&place).durability(durability).create_if_missing(!source);
    if let Some(trial) = &trial {
        builder = builder.clock(Arc::new(trial.clock.clone()));
    }
    let store = builder.open().await;
    if store.is_err() && trial.is_some() {
        let _made_in_part = remove(&place).await;
    }
    let store = store.map_err(|error| did_not_open(&format!("file:{place}"), &error))?;
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
