//! Stores by their URL, the same in every command.

pub(crate) mod bodies;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "etcd")]
mod etcd;
mod file;
mod layouts;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
#[cfg(feature = "mongodb")]
pub(crate) mod mongodb;
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
mod url;

use std::fmt;
use std::sync::Arc;

use cloakroom_tower::store::{Error, ErrorKind, ManualClock, Store};
use futures_util::future::BoxFuture;

use crate::trouble::Trouble;
pub(crate) use layouts::{other_layouts, without_layout};
use url::StoreUrl;

/// The store of a playground, unless another is named.
pub(crate) const DEFAULT: &str = if cfg!(feature = "sqlite") { "sqlite:sessions.db" } else { "memory:" };

/// Says, at the end of every command's help, how a URL with a password stays out of sight.
pub(crate) const URL_HELP: &str = "\
Every user of this machine can read arguments in the process list. Instead of a store's URL, env:NAME takes it from that \
environment variable, and @FILE from that file.";

/// An open store.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    /// Where it keeps sessions, to follow "sessions are kept". Holds no password.
    pub(crate) place: String,
    /// The largest payload that it takes, if that is less than 1 MiB or known exactly.
    pub(crate) max_payload_bytes: Option<usize>,
    /// Whether opening it again leads to another store.
    pub(crate) alone: bool,
    /// Removes what a trial leaves beyond its records.
    pub(crate) tidy: Option<Tidy>,
    /// Gives back what this handle alone holds in the server.
    pub(crate) release: Option<Tidy>,
}

/// Removes tables, folders and the like, after a trial.
pub(crate) type Tidy = BoxFuture<'static, Tidied>;
/// Whether all was removed; the error is for the operator.
pub(crate) type Tidied = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Opened {
    fn new(store: impl Store, place: impl Into<String>) -> Self {
        Self {
            store: Arc::new(store),
            place: place.into(),
            max_payload_bytes: None,
            alone: false,
            tidy: None,
            release: None,
        }
    }
}

/// A part of the store that nothing else uses, and a clock that is moved by hand: what a check needs.
#[derive(Clone)]
pub(crate) struct Trial {
    pub(crate) clock: ManualClock,
    /// What every name in the store begins with: letters, digits and `_`.
    pub(crate) prefix: String,
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trial").field(&self.prefix).finish()
    }
}

/// Opens the store that `url` names, and makes it if it is missing.
pub(crate) async fn open(url: &str) -> Result<Opened, Trouble> {
    open_parsed(StoreUrl::parse(&url::find(url)?)?).await
}

/// Opens the store that `url` names, to read what is in it: one that is missing is an error and is not made.
pub(crate) async fn open_source(url: &str) -> Result<Opened, Trouble> {
    let url = url::find(url)?;
    let url = StoreUrl::parse(&url)?;
    if url.scheme == "memory" {
        return Err(Trouble::usage(
            "a store memory: is empty whenever it is opened: no sessions can come from it",
        ));
    }
    open_parsed(url.into_source()).await
}

/// Opens a part of the store that `url` names, for a trial.
pub(crate) async fn open_for(url: &str, trial: &Trial) -> Result<Opened, Trouble> {
    open_parsed(StoreUrl::parse(&url::find(url)?)?.on_trial(trial.clone())).await
}

/// Returns whether two URLs name the same store, as far as their text tells.
pub(crate) fn are_the_same(one: &str, other: &str) -> Result<bool, Trouble> {
    Ok(url::find(one)? == url::find(other)?)
}

/// Returns the path that a URL `file:DIR` names, to be looked into; `None` if it names another store.
pub(crate) fn folder(url: &str) -> Result<Option<std::path::PathBuf>, Trouble> {
    let url = url::find(url)?;
    let url = StoreUrl::parse(&url)?;
    if url.scheme == "file" { url.path().map(|path| Some(path.into())) } else { Ok(None) }
}

async fn open_parsed(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    match url.scheme {
        "memory" => memory::open(&url),
        "file" => file::open(url).await,
        #[cfg(feature = "dynamodb")]
        "dynamodb" => dynamodb::open(url).await,
        #[cfg(feature = "etcd")]
        "etcd" | "etcds" => etcd::open(url).await,
        #[cfg(feature = "redb")]
        "redb" => redb::open(url).await,
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "redis+cluster" | "rediss+cluster" | "redis+sentinel" | "rediss+sentinel" => {
            redis::open(url).await
        }
        #[cfg(feature = "sqlite")]
        "sqlite" => sqlite::open(url).await,
        #[cfg(feature = "memcached")]
        "memcached" => memcached::open(url).await,
        #[cfg(feature = "mongodb")]
        "mongodb" | "mongodb+srv" => mongodb::open(url).await,
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => postgres::open(url).await,
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => mysql::open(url).await,
        other => Err(not_here(other)),
    }
}

/// Stores that are compiled in on request: the scheme, and the cargo feature.
const OPTIONAL: [(&str, &str); 18] = [
    ("dynamodb", "dynamodb"),
    ("etcd", "etcd"),
    ("etcds", "etcd"),
    ("redb", "redb"),
    ("redis", "redis"),
    ("rediss", "redis"),
    ("redis+cluster", "redis"),
    ("rediss+cluster", "redis"),
    ("redis+sentinel", "redis"),
    ("rediss+sentinel", "redis"),
    ("sqlite", "sqlite"),
    ("memcached", "memcached"),
    ("mongodb", "mongodb"),
    ("mongodb+srv", "mongodb"),
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
    ("mysql", "mysql"),
    ("mariadb", "mysql"),
];

/// Returns whether there is a store of this scheme, compiled in or not.
fn is_known(scheme: &str) -> bool {
    matches!(scheme, "memory" | "file") || OPTIONAL.iter().any(|(name, _)| *name == scheme)
}

fn not_here(scheme: &str) -> Trouble {
    if let Some((_, feature)) = OPTIONAL.iter().find(|(name, _)| *name == scheme) {
        return Trouble::usage(format!(
            "the store {scheme}: was not compiled in; build cloakroom-cli with the feature `{feature}`"
        ));
    }
    let here = if cfg!(feature = "sqlite") {
        "there are memory:, file:DIR and sqlite:PATH"
    } else {
        "there are memory: and file:DIR"
    };
    Trouble::usage(format!("no store is called {scheme:?}; {here}"))
}

/// A store that did not open: the operator's mistake, or the machine's.
fn did_not_open(place: &str, error: &Error) -> Trouble {
    let sentence = format!("the store {place} cannot be opened");
    let trouble = match error.kind() {
        ErrorKind::Setup | ErrorKind::Invalid => Trouble::usage(sentence),
        _ => Trouble::failure(sentence),
    };
    trouble.because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_not_compiled_in_names_its_feature() {
        assert!(not_here("sqlite").to_string().contains("the feature `sqlite`"));
    }

    #[test]
    fn an_error_repeats_no_password() {
        let error = StoreUrl::parse("floppy://user:secret@host").map(|url| not_here(url.scheme)).unwrap();
        assert_eq!(
            error.to_string(),
            "no store is called \"floppy\"; there are memory:, file:DIR and sqlite:PATH"
        );
    }
}
