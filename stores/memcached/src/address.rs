//! Where the server is, from a URL.

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::error::Failure;

/// The port of memcached.
const PORT: u16 = 11211;

/// The server's address, and the credentials.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) place: Place,
    pub(crate) credentials: Option<(String, String)>,
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(String, u16),
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let rest = url.strip_prefix("memcached:").ok_or(Failure::WRONG_URL)?;
        let Some(rest) = rest.strip_prefix("//") else {
            return Ok(Self { place: socket(rest)?, credentials: None });
        };
        let (credentials, server) = match rest.rsplit_once('@') {
            Some((credentials, server)) => (Some(pair(credentials)?), server),
            None => (None, rest),
        };
        let (host, port) = host_and_port(server.strip_suffix('/').unwrap_or(server))?;
        Ok(Self { place: Place::Tcp(host.to_owned(), port), credentials })
    }
}

#[cfg(unix)]
fn socket(path: &str) -> Result<Place, Failure> {
    if path.starts_with('/') { Ok(Place::Unix(decode(path)?.into())) } else { Err(Failure::WRONG_URL) }
}

#[cfg(not(unix))]
fn socket(_: &str) -> Result<Place, Failure> {
    Err(Failure::WRONG_URL)
}

fn host_and_port(server: &str) -> Result<(&str, u16), Failure> {
    let (host, port) = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port),
        None => server.split_at(server.find(':').unwrap_or(server.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| Failure::WRONG_URL)?,
        None if port.is_empty() => PORT,
        None => return Err(Failure::WRONG_URL),
    };
    if host.is_empty() || host.contains(['/', '?', '#', ',']) {
        Err(Failure::WRONG_URL)
    } else {
        Ok((host, port))
    }
}

/// A user and a password; memcached's own protocol has a space between them, and a line for both.
fn pair(credentials: &str) -> Result<(String, String), Failure> {
    let (user, password) = credentials.split_once(':').ok_or(Failure::WRONG_URL)?;
    let (user, password) = (decode(user)?, decode(password)?);
    let breaks = |text: &str| text.contains(['\r', '\n']);
    if user.contains(' ') || breaks(&user) || breaks(&password) {
        return Err(Failure::WRONG_URL);
    }
    Ok((user, password))
}

fn decode(text: &str) -> Result<String, Failure> {
    Ok(percent_decode_str(text).decode_utf8().map_err(|_| Failure::WRONG_URL)?.into_owned())
}

impl fmt::Debug for Address {
    /// Leaves out user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(url: &str) -> Option<(String, u16)> {
        match Address::parse(url).ok()?.place {
            Place::Tcp(host, port) => Some((host, port)),
            #[cfg(unix)]
            Place::Unix(_) => None,
        }
    }

    #[test]
    fn a_url_names_a_host_and_perhaps_a_port() {
        assert_eq!(tcp("memcached://cache"), Some(("cache".into(), PORT)));
        assert_eq!(tcp("memcached://127.0.0.1:1/"), Some(("127.0.0.1".into(), 1)));
        assert_eq!(tcp("memcached://[::1]:1"), Some(("::1".into(), 1)));
        assert_eq!(tcp("memcached://u:p%40@[::1]"), Some(("::1".into(), PORT)));
    }

    #[cfg(unix)]
    #[test]
    fn a_url_with_a_path_names_a_socket() {
        let place = Address::parse("memcached:/run/memcached.sock").map(|address| address.place);
        assert_eq!(place, Ok(Place::Unix("/run/memcached.sock".into())));
    }

    #[test]
    fn a_password_is_decoded_and_never_shown() {
        let address = Address::parse("memcached://user:sec%20ret@host").unwrap_or_else(|_| unreachable!());
        assert_eq!(address.credentials, Some(("user".into(), "sec ret".into())));
        assert!(!format!("{address:?}").contains("sec"));
    }

    #[test]
    fn an_invalid_url_is_refused() {
        for url in [
            "",
            "memcached:",
            "memcached://",
            "redis://host",
            "memcached://host:x",
            "memcached://host:65536",
            "memcached://a,b",
            "memcached://host/0",
            "memcached:host",
            "memcached://user@host",
            "memcached://u:%0d@host",
            "memcached://[::1",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }
}
