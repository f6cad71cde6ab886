//! Where the servers are, from a URL.

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::error::Failure;

/// The port of etcd for clients.
const PORT: u16 = 2379;

/// The addresses of a cluster's servers, and the credentials.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// `http://host:port` or `https://host:port`.
    pub(crate) servers: Vec<String>,
    pub(crate) is_tls: bool,
    pub(crate) credentials: Option<(String, String)>,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let (scheme, rest) = url.split_once("://").ok_or(Failure::WRONG_URL)?;
        let is_tls = match scheme {
            "etcd" => false,
            "etcds" => true,
            _ => return Err(Failure::WRONG_URL),
        };
        let (credentials, servers) = match rest.rsplit_once('@') {
            Some((credentials, servers)) => (Some(pair(credentials)?), servers),
            None => (None, rest),
        };
        let servers = servers.strip_suffix('/').unwrap_or(servers).split(',');
        let servers = servers.map(|server| endpoint(server, is_tls)).collect::<Result<_, _>>()?;
        Ok(Self { servers, is_tls, credentials })
    }
}

fn endpoint(server: &str, is_tls: bool) -> Result<String, Failure> {
    let scheme = if is_tls { "https" } else { "http" };
    if server.is_empty() || server.starts_with(':') || server.contains(['/', '?', '#', ' ', '@']) {
        return Err(Failure::WRONG_URL);
    }
    let after_host = server.rsplit_once(']').map_or(server, |(_, after)| after);
    let endpoint = match after_host.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => format!("{scheme}://{server}"),
        Some(_) => return Err(Failure::WRONG_URL),
        None => format!("{scheme}://{server}:{PORT}"),
    };
    if endpoint.parse::<tonic::transport::Uri>().is_ok() { Ok(endpoint) } else { Err(Failure::WRONG_URL) }
}

fn pair(credentials: &str) -> Result<(String, String), Failure> {
    let (user, password) = credentials.split_once(':').ok_or(Failure::WRONG_URL)?;
    Ok((decode(user)?, decode(password)?))
}

fn decode(text: &str) -> Result<String, Failure> {
    Ok(percent_decode_str(text).decode_utf8().map_err(|_| Failure::WRONG_URL)?.into_owned())
}

impl fmt::Debug for Address {
    /// Leaves out user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.servers.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(url: &str) -> Option<Vec<String>> {
        Address::parse(url).ok().map(|address| address.servers)
    }

    #[test]
    fn a_url_names_servers_and_perhaps_their_ports() {
        assert_eq!(servers("etcd://a"), Some(vec!["http://a:2379".into()]));
        assert_eq!(
            servers("etcds://a:1,[::1]/"),
            Some(vec!["https://a:1".into(), "https://[::1]:2379".into()])
        );
    }

    #[test]
    fn a_password_is_decoded_and_never_shown() {
        let address = Address::parse("etcd://user:sec%40ret@host").unwrap_or_else(|_| unreachable!());
        assert_eq!(address.credentials, Some(("user".into(), "sec@ret".into())));
        assert!(!format!("{address:?}").contains("sec"));
    }

    #[test]
    fn an_invalid_url_is_refused() {
        for url in [
            "",
            "etcd:",
            "etcd://",
            "http://a",
            "etcd://a,",
            "etcd://a:x",
            "etcd://a/b",
            "etcd://u@a",
            "etcd://:1",
        ] {
            assert_eq!(Address::parse(url), Err(Failure::WRONG_URL), "{url}");
        }
    }
}
