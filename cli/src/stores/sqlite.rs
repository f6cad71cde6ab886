//! `sqlite:PATH`, with `durability=machine|process`, `prefix=NAME`, `busy_timeout=5s` and `readers=N`.

use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use cloakroom_sqlite::rusqlite::{self, Connection};
use cloakroom_sqlite::{Builder, Durability, SqliteStore};

use super::bodies::OpenedBodies;
use super::url::{StoreUrl, Survives};
use super::{Opened, Tidied, Tidy, Trial, did_not_open};
use crate::span;
use crate::trouble::Trouble;

pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let (trial, source) = (url.trial.take(), url.source);
    let settings = Settings::take(&mut url)?;
    let mut place = url.place()?;
    // A file that is not there yet is not made for a check: one beside it is, and can be removed.
    let beside = trial.as_ref().filter(|_| is_empty(&place));
    if let Some(trial) = beside {
        place = format!("{place}.{}", trial.prefix);
    }
    let tidy = trial.as_ref().map(|trial| tidy(beside.is_some(), place.clone(), trial.prefix.clone()));
    let mut builder = settings.apply(SqliteStore::builder(&place)).create_if_missing(!source);
    if let Some(Trial { prefix, clock }) = trial {
        builder = builder.table_prefix(prefix).clock(Arc::new(clock));
    }
    let error = match builder.open().await {
        Ok(store) => {
            return Ok(Opened { tidy, ..Opened::new(store, format!("in the SQLite file {place}")) });
        }
        Err(error) => error,
    };
    if let Some(tidy) = tidy {
        let _made_in_part = tidy.await;
    }
    Err(did_not_open(&format!("sqlite:{place}"), &error))
}

/// Opens the bodies of a Node application, in `table`; the table of ended sessions has the `prefix`.
pub(super) async fn open_bodies(
    mut url: StoreUrl<'_>,
    lifetime: Option<Duration>,
) -> Result<OpenedBodies, Trouble> {
    let (path, builder) = bodies(&mut url)?;
    let opened = builder.open_bodies().await;
    let bodies = opened.map_err(|error| did_not_open(&format!("sqlite:{path}"), &error))?;
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in the SQLite file {path}"), lifetime })
}

/// Reads the path of a URL, and its settings for bodies.
fn bodies(url: &mut StoreUrl<'_>) -> Result<(String, Builder), Trouble> {
    let settings = Settings::take(url)?;
    let table = url.take("table", |text| Some(text.to_owned()))?;
    let _layout = url.take("layout", |_| Some(()))?;
    let path = url.take_place()?;
    let mut builder = settings.apply(SqliteStore::builder(&path));
    if let Some(table) = table {
        builder = builder.table(table);
    }
    Ok((path, builder))
}

/// Where bodies are checked, and what removes all that is made there.
pub(crate) struct BodyTrial {
    pub(crate) path: String,
    pub(crate) builder: Builder,
    pub(crate) tidy: Tidy,
}

/// Finds the file of a check of bodies: the one that is there, or one beside it.
pub(crate) fn try_bodies(url: &str, trial: &Trial) -> Result<BodyTrial, Trouble> {
    let url = super::url::find(url)?;
    let (mut path, mut builder) = bodies(&mut StoreUrl::parse(&url)?)?;
    let beside = is_empty(&path);
    if beside {
        path = format!("{path}.{}", trial.prefix);
        builder = SqliteStore::builder(&path);
    }
    let tidy = tidy(beside, path.clone(), trial.prefix.clone());
    let builder = builder
        .table(format!("{}sessions", trial.prefix))
        .table_prefix(&*trial.prefix)
        .clock(Arc::new(trial.clock.clone()));
    Ok(BodyTrial { path, builder, tidy })
}

/// What a URL sets.
struct Settings {
    durability: Option<Survives>,
    prefix: Option<String>,
    busy_timeout: Option<Duration>,
    readers: Option<std::num::NonZeroUsize>,
}

impl Settings {
    fn take(url: &mut StoreUrl<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            durability: url.take("durability", Survives::read)?,
            prefix: url.take("prefix", |text| Some(text.to_owned()))?,
            busy_timeout: url.take("busy_timeout", |text| span::parse(text).ok())?,
            readers: url.take("readers", |text| text.parse().ok())?,
        })
    }

    fn apply(self, mut builder: Builder) -> Builder {
        if let Some(survives) = self.durability {
            builder = builder.durability(match survives {
                Survives::Machine => Durability::Machine,
                Survives::Process => Durability::Process,
            });
        }
        if let Some(prefix) = self.prefix {
            builder = builder.table_prefix(prefix);
        }
        if let Some(timeout) = self.busy_timeout {
            builder = builder.busy_timeout(timeout);
        }
        if let Some(readers) = self.readers {
            builder = builder.readers(readers);
        }
        builder
    }
}

/// Returns whether there is no file, or one without a byte.
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
