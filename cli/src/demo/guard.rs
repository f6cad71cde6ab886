//! Accepts requests of this server's own pages and of programs, and refuses those of other sites.
//!
//! A page of another site can send a form or a `fetch` here, and with a name of its own that it points to this machine
//! (DNS rebinding) it can read the answers too. Browsers tell: in `Host`, in `Sec-Fetch-Site` and in `Origin`.
//!
//! 1. A request for a host that this server does not have is refused, whatever it asks for.
//! 2. A request that may change something is refused if its browser says that it comes from another origin.
//! 3. What no browser sent has neither `Sec-Fetch-Site` nor `Origin`, and is let in.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{api, page};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The hosts of this server.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Where it listens.
    bound: IpAddr,
    /// The host it was asked to listen on, without the port: a name, or the address again.
    listen: String,
    /// Further names, on which a proxy or a resolver leads here.
    named: Vec<Authority>,
}

/// Why a request is refused, in a sentence for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Host,
    Origin,
}

impl Refusal {
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Host => {
                "this server has another name; start it with --host NAME to serve it under this one"
            }
            Self::Origin => "a page of another site sent this, so nothing was done",
        }
    }
}

/// Refuses a request, or passes it on.
pub(crate) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let Err(refusal) = guard.judge(&request) else { return next.run(request).await };
    if request.uri().path().starts_with("/api") {
        api::refused(refusal)
    } else {
        page::refused(refusal).into_response()
    }
}

impl Guard {
    pub(crate) fn new(bound: SocketAddr, listen: &str, named: &[Authority]) -> Self {
        let listen = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
        Self { bound: bound.ip(), listen: listen.to_owned(), named: named.to_vec() }
    }

    fn judge<B>(&self, request: &axum::http::Request<B>) -> Result<(), Refusal> {
        // HTTP/2 has the host in the URI.
        let headers = request.headers();
        let of_header = headers.get_all(HOST).iter().map(|host| host.to_str().ok().and_then(authority));
        let of_uri = request.uri().authority().map(|host| authority(host.as_str()));
        let hosts: Vec<_> = of_header.chain(of_uri).collect();
        let hosts: Option<Vec<Authority>> = hosts.into_iter().collect();
        let hosts = hosts.filter(|hosts| !hosts.is_empty() && hosts.iter().all(|host| self.is_ours(host)));
        let hosts = hosts.ok_or(Refusal::Host)?;
        if request.method().is_safe() || self.is_from_here(headers, &hosts) {
            return Ok(());
        }
        Err(Refusal::Origin)
    }

    /// Returns whether this is a host of this server, on whatever port: a proxy may have another one.
    fn is_ours(&self, host: &Authority) -> bool {
        let name = host.host().trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = name.parse::<IpAddr>() {
            // An address cannot be pointed elsewhere. One that listens everywhere is reached by many.
            return address.is_loopback()
                || address == self.bound
                || self.bound.is_unspecified()
                || self.is_named(host);
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        // Browsers look nowhere else for these.
        let is_local = name == "localhost" || name.ends_with(".localhost");
        is_local || name.eq_ignore_ascii_case(&self.listen) || self.is_named(host)
    }

    fn is_named(&self, host: &Authority) -> bool {
        self.named.iter().any(|named| named.host().eq_ignore_ascii_case(host.host()))
    }

    /// Returns whether a request comes from a page of this server, or from no page at all.
    fn is_from_here(&self, headers: &HeaderMap, hosts: &[Authority]) -> bool {
        let mut sites = headers.get_all(SEC_FETCH_SITE).iter().peekable();
        if sites.peek().is_some() {
            return sites.all(|site| site == "same-origin" || site == "none");
        }
        headers.get_all(ORIGIN).iter().all(|origin| {
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            let Some((scheme, rest)) = origin else { return false };
            authority(rest).is_some_and(|origin| self.is_origin(scheme, &origin, hosts))
        })
    }

    fn is_origin(&self, scheme: &str, origin: &Authority, hosts: &[Authority]) -> bool {
        let port = |host: &Authority| host.port_u16().or(default_port(scheme));
        hosts
            .iter()
            .chain(&self.named)
            .any(|host| host.host().eq_ignore_ascii_case(origin.host()) && port(host) == port(origin))
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Reads `name` or `name:port`; `None` for what else may stand before a path.
pub(super) fn authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let is_whole = !text.contains('@') && !authority.host().is_empty();
    is_whole.then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(listen: &str, bound: &str) -> Guard {
        Guard::new(bound.parse().unwrap_or_else(|_| unreachable!()), listen, &[])
    }

    fn is_ours(guard: &Guard, host: &str) -> bool {
        authority(host).is_some_and(|host| guard.is_ours(&host))
    }

    #[test]
    fn f30_a_server_has_the_address_and_the_name_that_it_listens_on() {
        let here = guard("box.example:3000", "192.0.2.7:3000");
        for host in ["box.example", "BOX.example.:80", "192.0.2.7", "192.0.2.7:3000", "localhost"] {
            assert!(is_ours(&here, host), "{host}");
        }
        for host in ["192.0.2.8", "example", "other.example", "box.example@other.example", ":3000"] {
            assert!(!is_ours(&here, host), "{host}");
        }
        let everywhere = guard("[::]:3000", "[::]:3000");
        assert!(is_ours(&everywhere, "[2001:db8::1]:3000") && is_ours(&everywhere, "192.0.2.8"));
        assert!(!is_ours(&everywhere, "evil.example"));
    }
}
