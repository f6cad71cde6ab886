//! Reads the URLs of servers: one, a cluster, or those that sentinels watch.

use cloakroom_store::{Error, ErrorKind, Result};
use percent_encoding::percent_decode_str;
use redis::{ConnectionAddr, ProtocolVersion};

/// A URL without its settings, taken apart.
#[derive(Clone)]
pub(crate) struct Url {
    pub(crate) kind: Kind,
    pub(crate) tls: bool,
    pub(crate) nodes: Vec<(String, u16)>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    Cluster,
    /// The sentinels' name for the master.
    Sentinel(String),
}

impl Url {
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| invalid("a URL looks like redis://host:port"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (tls, kind) = scheme_of(scheme)?;
        let (kind, database) = match kind {
            Kind::Sentinel(_) => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                (Kind::Sentinel(named(master)?), database)
            }
            kind => (kind, path),
        };
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (username, password) = user.split_once(':').unwrap_or((user, ""));
        let default = if matches!(kind, Kind::Sentinel(_)) { 26_379 } else { 6_379 };
        let nodes: Vec<_> = hosts.split(',').map(|host| node(host, default)).collect::<Result<_>>()?;
        if kind == Kind::Server && nodes.len() > 1 {
            return Err(invalid(
                "one server has one address; several are for redis+cluster:// or redis+sentinel://",
            ));
        }
        if kind == Kind::Cluster && !database.is_empty() {
            return Err(invalid("a cluster has no numbered databases"));
        }
        Ok(Self {
            kind,
            tls,
            nodes,
            username: some(username)?,
            password: some(password)?,
            database: number(database)?,
        })
    }

    pub(crate) fn addresses(&self) -> Vec<ConnectionAddr> {
        let address = |(host, port): &(String, u16)| {
            let (host, port) = (host.clone(), *port);
            if self.tls {
                return ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
            }
            ConnectionAddr::Tcp(host, port)
        };
        self.nodes.iter().map(address).collect()
    }
}

fn scheme_of(scheme: &str) -> Result<(bool, Kind)> {
    let (transport, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
    let tls = match transport {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return Err(unknown_scheme()),
    };
    match kind {
        "" => Ok((tls, Kind::Server)),
        "cluster" => Ok((tls, Kind::Cluster)),
        "sentinel" => Ok((tls, Kind::Sentinel(String::new()))),
        _ => Err(unknown_scheme()),
    }
}

fn unknown_scheme() -> Error {
    invalid("a URL begins with redis://, rediss://, redis+cluster:// or redis+sentinel://")
}

fn named(master: &str) -> Result<String> {
    some(master)?.ok_or_else(|| {
        invalid("the URL of sentinels names the master: redis+sentinel://host:port,host:port/mymaster")
    })
}

fn node(host: &str, default: u16) -> Result<(String, u16)> {
    let wrong = || invalid("a server's address looks like host:port");
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
            (host, port.strip_prefix(':'))
        }
        None => match host.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host, None),
        },
    };
    let port = port.map_or(Ok(default), |port| port.parse().map_err(|_| wrong()))?;
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((decoded(host)?, port))
}

fn some(text: &str) -> Result<Option<String>> {
    Ok(Some(decoded(text)?).filter(|text| !text.is_empty()))
}

fn decoded(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| invalid("what is written with % is not text"))
}

fn number(database: &str) -> Result<i64> {
    match database {
        "" => Ok(0),
        digits => digits.parse().map_err(|_| invalid("the database after the slash is a number")),
    }
}

pub(crate) fn protocol(text: &str) -> Option<ProtocolVersion> {
    match text {
        "resp2" | "2" => Some(ProtocolVersion::RESP2),
        "resp3" | "3" => Some(ProtocolVersion::RESP3),
        _ => None,
    }
}

/// Repeats nothing of the URL, which may hold a password.
fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_servers_user_and_database() {
        let url = Url::parse("rediss://al%40ice:s%3Aecret@[::1]:7000/3").unwrap();
        assert_eq!((url.tls, url.kind.clone(), url.database), (true, Kind::Server, 3));
        assert_eq!(url.nodes, [("::1".into(), 7000)]);
        assert_eq!((url.username.as_deref(), url.password.as_deref()), (Some("al@ice"), Some("s:ecret")));
    }

    #[test]
    fn a_cluster_and_sentinels_have_several_addresses() {
        let url = Url::parse("redis+cluster://:secret@a:1,b,c:3").unwrap();
        assert_eq!((url.kind, url.nodes.len(), url.nodes[1].1), (Kind::Cluster, 3, 6379));
        assert_eq!((url.username, url.password.as_deref()), (None, Some("secret")));
        let url = Url::parse("redis+sentinel://a,b:2/mymaster/1").unwrap();
        assert_eq!((url.kind, url.database), (Kind::Sentinel("mymaster".into()), 1));
        assert_eq!(url.nodes[0].1, 26_379);
    }

    #[test]
    fn an_invalid_url_is_refused_and_not_repeated() {
        for url in [
            "",
            "redis:",
            "http://secret",
            "redis+x://secret",
            "redis://secret,secret",
            "redis://secret:port",
            "redis://",
            "redis://host/secret",
            "redis+cluster://host/1",
            "redis+sentinel://secret",
            "redis://:%ff@host",
        ] {
            let error = Url::parse(url).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
            assert!(!format!("{error:?}").contains("secret"), "{url}");
        }
    }
}
