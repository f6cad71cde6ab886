//! Finds the URLs of stores, and says how they are to be opened; each store reads its own settings.

use std::borrow::Cow;
use std::fmt;

use cloakroom_tower::store;

use super::Trial;
use crate::trouble::Trouble;

/// Returns the URL itself, where `env:NAME` or `@FILE` says where it is. Errors repeat nothing of it.
pub(super) fn find(url: &str) -> Result<Cow<'_, str>, Trouble> {
    let found = if let Some(name) = url.strip_prefix("env:") {
        std::env::var(name).map_err(|_| {
            Trouble::usage(format!("{url}: no environment variable of that name holds a text"))
        })?
    } else if let Some(file) = url.strip_prefix('@') {
        std::fs::read_to_string(file)
            .map_err(|error| Trouble::usage(format!("{url}: the file cannot be read")).because(&error))?
    } else {
        return Ok(url.into());
    };
    match found.trim() {
        "" => Err(Trouble::usage(format!("{url}: there is no store URL in it"))),
        found => Ok(found.to_owned().into()),
    }
}

/// The URL of a store, and how it is to be opened.
pub(super) struct StoreUrl<'a> {
    pub(super) scheme: &'a str,
    /// All of it, as it was given. May hold a password.
    pub(super) whole: &'a str,
    /// A clock and a prefix to open it with, if it is opened to be checked.
    pub(super) trial: Option<Trial>,
    /// Whether sessions are to be read from it, so that it must not be made.
    pub(super) source: bool,
}

/// Shows no password.
impl fmt::Debug for StoreUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreUrl").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl<'a> StoreUrl<'a> {
    pub(super) fn parse(url: &'a str) -> Result<Self, Trouble> {
        let scheme = store::StoreUrl::parse(url).map_err(|error| wrong(&error))?.scheme();
        Ok(Self { scheme, whole: url, trial: None, source: false })
    }

    pub(super) fn on_trial(self, trial: Trial) -> Self {
        Self { trial: Some(trial), ..self }
    }

    pub(super) fn into_source(self) -> Self {
        Self { source: true, ..self }
    }

    /// Returns its settings, to take some out.
    pub(super) fn settings(&self) -> Result<store::StoreUrl<'a>, Trouble> {
        store::StoreUrl::parse(self.whole).map_err(|error| wrong(&error))
    }

    /// Returns the path that it names; an error if it names no path.
    pub(super) fn path(&self) -> Result<String, Trouble> {
        self.settings()?.path().map_err(|error| wrong(&error))
    }

    /// Returns the URL of a path beside its own, whose name has a suffix: for a trial, as the path itself may be in use.
    pub(super) fn beside(&self, suffix: &str) -> String {
        let (path, query) = self.whole.split_once('?').unwrap_or((self.whole, ""));
        format!("{}.{suffix}?{query}", path.trim_end_matches('/'))
    }
}

/// A URL that cannot be read is a mistake of the one who typed it.
pub(super) fn wrong(error: &store::Error) -> Trouble {
    Trouble::usage("the URL of a store looks like sqlite:PATH?name=value").because(error)
}

/// Returns the servers that the URL of a server names, without user, password, database and settings.
#[cfg(any(
    feature = "dynamodb",
    feature = "etcd",
    feature = "memcached",
    feature = "mongodb",
    feature = "redis"
))]
pub(super) fn servers(url: &str) -> &str {
    let rest = url.split_once(':').map_or(url, |(_, rest)| rest);
    let Some(rest) = rest.strip_prefix("//") else { return rest };
    let rest = rest.split('?').next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, servers)| servers);
    rest.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_beside_another_keeps_the_settings() {
        let url = StoreUrl::parse("file:a%3Fb/?durability=process").unwrap();
        assert_eq!(url.path().unwrap(), "a?b/");
        assert_eq!(url.beside("t1_"), "file:a%3Fb.t1_?durability=process");
    }

    #[cfg(any(feature = "etcd", feature = "memcached", feature = "mongodb", feature = "redis"))]
    #[test]
    fn the_servers_of_a_url_come_without_its_secrets() {
        assert_eq!(servers("mongodb://u:p@a:1,b:2/shop?w=1"), "a:1,b:2");
        assert_eq!(servers("mongodb://u:p%40%2F@a"), "a");
        assert_eq!(servers("memcached:/run/memcached.sock"), "/run/memcached.sock");
    }

    #[test]
    fn an_invalid_url_is_refused() {
        for url in ["", "memory", "file:x?y", "file:x?y=%ff", "file:x?y=%00"] {
            assert!(StoreUrl::parse(url).is_err(), "{url}");
        }
        assert!(StoreUrl::parse("file:").unwrap().path().is_err());
    }
}
