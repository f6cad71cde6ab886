//! Stores by their URL, the same in every command.

mod file;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
mod url;

use std::sync::Arc;

use cloakroom_tower::store::{Error, ErrorKind, Store};

use crate::trouble::Trouble;
use url::StoreUrl;

/// The store of whoever names none.
pub(crate) const DEFAULT: &str = if cfg!(feature = "sqlite") { "sqlite:sessions.db" } else { "memory:" };

/// An open store.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    /// Where it keeps sessions, to follow "sessions are kept". Holds no password.
    pub(crate) place: String,
}

/// Opens the store that `url` names.
pub(crate) async fn open(url: &str) -> Result<Opened, Trouble> {
    let url = StoreUrl::parse(url)?;
    match url.scheme {
        "memory" => memory::open(url),
        "file" => file::open(url).await,
        #[cfg(feature = "sqlite")]
        "sqlite" => sqlite::open(url).await,
        other => Err(not_here(other)),
    }
}

/// Stores that are compiled in on request: the scheme, and the cargo feature.
const OPTIONAL: [(&str, &str); 1] = [("sqlite", "sqlite")];

/// Stores that the command line names and this version does not have.
const LATER: [&str; 11] = [
    "redb",
    "redis",
    "rediss",
    "redis+cluster",
    "redis+sentinel",
    "postgres",
    "mysql",
    "mongodb",
    "memcached",
    "dynamodb",
    "etcd",
];

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
    if LATER.contains(&scheme) {
        return Trouble::usage(format!("the store {scheme}: is not in this version; {here}"));
    }
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
        let error = StoreUrl::parse("redis://user:secret@host").map(|url| not_here(url.scheme)).unwrap();
        assert_eq!(
            error.to_string(),
            "the store redis: is not in this version; there are memory:, file:DIR and sqlite:PATH"
        );
    }
}
