//! Reads store URLs: `scheme:place?setting=value&…`, with `%XX` for what would mean something else.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;

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

/// A store URL, taken apart.
pub(super) struct StoreUrl<'a> {
    pub(super) scheme: &'a str,
    /// All of it, as it was given: what a client of a server reads by itself. May hold a password.
    #[cfg(any(
        feature = "etcd",
        feature = "memcached",
        feature = "mongodb",
        feature = "mysql",
        feature = "postgres",
        feature = "redis"
    ))]
    pub(super) whole: &'a str,
    /// A path, relative to the working folder; empty if the URL has no path.
    pub(super) place: String,
    settings: Vec<(String, String)>,
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
        let wrong =
            |what: &str| Trouble::usage(format!("a store URL looks like sqlite:PATH?name=value: {what}"));
        let (scheme, rest) = url.split_once(':').ok_or_else(|| wrong("there is no colon"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let decode = |text: &str| match percent_decode_str(text).decode_utf8() {
            Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
            _ => Err(wrong("what is written with % is not text")),
        };
        let settings = query.split('&').filter(|setting| !setting.is_empty()).map(|setting| {
            let (name, value) = setting.split_once('=').ok_or_else(|| wrong("a setting has no value"))?;
            Ok((decode(name)?, decode(value)?))
        });
        let settings = settings.collect::<Result<_, Trouble>>()?;
        // `sqlite:///var/x` and `sqlite:/var/x` are the same file.
        Ok(Self {
            scheme,
            #[cfg(any(
                feature = "etcd",
                feature = "memcached",
                feature = "mongodb",
                feature = "mysql",
                feature = "postgres",
                feature = "redis"
            ))]
            whole: url,
            place: decode(place.strip_prefix("//").unwrap_or(place))?,
            settings,
            trial: None,
            source: false,
        })
    }

    pub(super) fn on_trial(self, trial: Trial) -> Self {
        Self { trial: Some(trial), ..self }
    }

    pub(super) fn into_source(self) -> Self {
        Self { source: true, ..self }
    }

    /// Takes a setting out, read by `read`; `None` if it is not there.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Trouble> {
        let Some(at) = self.settings.iter().position(|(other, _)| other == name) else { return Ok(None) };
        let (_, value) = self.settings.remove(at);
        read(&value).map(Some).ok_or_else(|| {
            Trouble::usage(format!("{name}={value} is not a setting of the store {}:", self.scheme))
        })
    }

    /// The URL as it was given, without the settings of these names, which are not the client's.
    #[cfg(any(
        feature = "memcached",
        feature = "mongodb",
        feature = "mysql",
        feature = "postgres",
        feature = "redis"
    ))]
    pub(super) fn without(&self, ours: &[&str]) -> String {
        let Some((place, query)) = self.whole.split_once('?') else { return self.whole.to_owned() };
        let is_ours = |setting: &&str| setting.split('=').next().is_some_and(|name| ours.contains(&name));
        let theirs: Vec<_> = query.split('&').filter(|setting| !is_ours(setting)).collect();
        // Not every client reads a question mark that nothing follows.
        if theirs.is_empty() { place.to_owned() } else { format!("{place}?{}", theirs.join("&")) }
    }

    /// Takes the place out; an error if the URL has no place, or has an unknown setting.
    #[cfg(feature = "sqlite")]
    pub(super) fn take_place(&mut self) -> Result<String, Trouble> {
        let (place, settings) = (std::mem::take(&mut self.place), std::mem::take(&mut self.settings));
        Self { place, settings, trial: None, ..*self }.place()
    }

    /// Returns the place; an error if the URL has none, or has an unknown setting.
    pub(super) fn place(self) -> Result<String, Trouble> {
        self.done(true)
    }

    /// Checks that the URL has no place and no unknown setting.
    pub(super) fn no_place(self) -> Result<(), Trouble> {
        self.done(false).map(drop)
    }

    fn done(self, has_place: bool) -> Result<String, Trouble> {
        let Self { scheme, place, settings, .. } = self;
        if let Some((name, _)) = settings.first() {
            return Err(Trouble::usage(format!(
                "the store {scheme}: has no setting {name:?}, or it is there twice"
            )));
        }
        match (has_place, place.is_empty()) {
            (true, true) => Err(Trouble::usage(format!("the store {scheme}: needs a path after the colon"))),
            (false, false) => Err(Trouble::usage(format!("the store {scheme}: has no path after the colon"))),
            _ => Ok(place),
        }
    }
}

/// Returns the servers that the URL of a server names, without user, password, database and settings.
#[cfg(any(feature = "etcd", feature = "memcached", feature = "mongodb", feature = "redis"))]
pub(super) fn servers(url: &str) -> &str {
    let rest = url.split_once(':').map_or(url, |(_, rest)| rest);
    let Some(rest) = rest.strip_prefix("//") else { return rest };
    let rest = rest.split('?').next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, servers)| servers);
    rest.split('/').next().unwrap_or_default()
}

/// Whether a write survives the death of the machine, or only that of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survives {
    Machine,
    Process,
}

impl Survives {
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "machine" => Some(Self::Machine),
            "process" => Some(Self::Process),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_scheme_place_and_settings() {
        let mut url = StoreUrl::parse("sqlite:a%3Fb.db?durability=process&prefix=x").unwrap();
        assert_eq!((url.scheme, url.place.as_str()), ("sqlite", "a?b.db"));
        assert_eq!(url.take("durability", Survives::read).unwrap(), Some(Survives::Process));
        assert_eq!(url.take("durability", Survives::read).unwrap(), None);
        assert!(url.place().unwrap_err().to_string().contains("\"prefix\""));
    }

    #[test]
    fn two_slashes_before_a_path_change_nothing() {
        assert_eq!(StoreUrl::parse("file:///var/x").unwrap().place, "/var/x");
        assert_eq!(StoreUrl::parse("file:/var/x").unwrap().place, "/var/x");
        assert_eq!(StoreUrl::parse("file:x").unwrap().place, "x");
    }

    #[cfg(any(feature = "etcd", feature = "memcached", feature = "mongodb", feature = "redis"))]
    #[test]
    fn the_servers_of_a_url_come_without_its_secrets() {
        assert_eq!(servers("mongodb://u:p@a:1,b:2/shop?w=1"), "a:1,b:2");
        assert_eq!(servers("mongodb://u:p%40%2F@a"), "a");
        assert_eq!(servers("memcached:/run/memcached.sock"), "/run/memcached.sock");
    }

    #[cfg(any(
        feature = "memcached",
        feature = "mongodb",
        feature = "mysql",
        feature = "postgres",
        feature = "redis"
    ))]
    #[test]
    fn a_client_reads_the_url_as_it_was_given_without_our_settings() {
        let url = StoreUrl::parse("postgres://u:p%40@h/d?prefix=a_&sslmode=disable").unwrap();
        assert_eq!(url.without(&["prefix"]), "postgres://u:p%40@h/d?sslmode=disable");
        assert_eq!(url.without(&["prefix", "sslmode"]), "postgres://u:p%40@h/d");
    }

    #[test]
    fn an_invalid_url_is_refused() {
        for url in ["", "memory", "file:x?y", "file:%ff", "file:%00"] {
            assert!(StoreUrl::parse(url).is_err(), "{url}");
        }
        assert!(StoreUrl::parse("file:").unwrap().place().is_err());
        assert!(StoreUrl::parse("memory:x").unwrap().no_place().is_err());
    }
}
