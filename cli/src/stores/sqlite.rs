//! `sqlite:PATH`, whose settings the store reads by itself.

use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use cloakroom_sqlite::rusqlite::{self, Connection};
use cloakroom_sqlite::{Builder, SqliteStore};

use super::bodies::OpenedBodies;
use super::url::{self, StoreUrl};
use super::{Opened, Tidied, Tidy, Trial, did_not_open};
use crate::trouble::Trouble;

pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let path = url.path()?;
    // A file that is not there yet is not made for a check: one beside it is, and can be removed.
    let beside = url.trial.as_ref().filter(|_| is_empty(&path)).map(|trial| url.beside(&trial.prefix));
    let at = StoreUrl::parse(beside.as_deref().unwrap_or(url.whole))?;
    let place = at.path()?;
    let failed = |error| did_not_open(&format!("sqlite:{place}"), &error);
    let mut builder = SqliteStore::from_url(at.whole).map_err(failed)?;
    if url.source {
        builder = builder.create_if_missing(false);
    }
    let tidy = url.trial.as_ref().map(|trial| tidy(beside.is_some(), place.clone(), trial.prefix.clone()));
    if let Some(Trial { prefix, clock }) = url.trial {
        builder = builder.prefix(prefix).clock(clock);
    }
    let error = match builder.build().await {
        Ok(store) => {
            return Ok(Opened { tidy, ..Opened::new(store, format!("in the SQLite file {place}")) });
        }
        Err(error) => error,
    };
    if let Some(tidy) = tidy {
        let _made_in_part = tidy.await;
    }
    Err(failed(error))
}

/// Opens the bodies of a Node application, in `table`; the table of ended sessions has the `prefix`.
pub(super) async fn open_bodies(url: &str, lifetime: Option<Duration>) -> Result<OpenedBodies, Trouble> {
    let path = StoreUrl::parse(url)?.path()?;
    let failed = |error| did_not_open(&format!("sqlite:{path}"), &error);
    let builder = SqliteStore::from_url(url).map_err(failed)?;
    let bodies = builder.build_bodies().await.map_err(failed)?;
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in the SQLite file {path}"), lifetime })
}

/// Where bodies are checked, and what removes all that is made there.
pub(crate) struct BodyTrial {
    pub(crate) path: String,
    pub(crate) builder: Builder,
    pub(crate) tidy: Tidy,
}

/// Finds the file of a check of bodies: the one that is there, or one beside it.
pub(crate) fn try_bodies(url: &str, trial: &Trial) -> Result<BodyTrial, Trouble> {
    let url = super::bodies::client_url(url, &["layout"])?;
    let beside = is_empty(&StoreUrl::parse(&url)?.path()?);
    let url = if beside { StoreUrl::parse(&url)?.beside(&trial.prefix) } else { url };
    let path = StoreUrl::parse(&url)?.path()?;
    let tidy = tidy(beside, path.clone(), trial.prefix.clone());
    let builder = SqliteStore::from_url(&url).map_err(|error| url::wrong(&error))?;
    let builder =
        builder.table(format!("{}sessions", trial.prefix)).prefix(&*trial.prefix).clock(trial.clock.clone());
    Ok(BodyTrial { path, builder, tidy })
}

/// Whether there is no file, or one without a byte.
fn is_empty(place: &str) -> bool {
    fs::metadata(place).map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |file| file.len() == 0)
}

/// Removes the file of a trial, or its tables where the file is in use.
fn tidy(beside: bool, place: String, prefix: String) -> Tidy {
    Box::pin(async move {
        let work = move || -> Tidied {
            if beside { Ok(remove_files(&place)?) } else { Ok(drop_tables(&place, &prefix)?) }
        };
        tokio::task::spawn_blocking(work).await?
    })
}

fn remove_files(place: &str) -> io::Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(format!("{place}{end}")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Drops every table of the trial, with its indices, whatever this version of the store calls them.
fn drop_tables(place: &str, prefix: &str) -> rusqlite::Result<()> {
    let mut connection = Connection::open_with_flags(place, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let tables: Vec<String> = transaction
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, length(?1)) = ?1")?
        .query_map([prefix], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for table in tables {
        transaction.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    transaction.commit()
}
