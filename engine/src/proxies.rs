//! Which proxies are believed when they say that a request came over https.
//!
//! A proxy that adds to a header puts its word last, and a client can put anything before it: so elements are counted from
//! the right.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ipnet::IpNet;

use crate::{ConfigError, RequestHead, RequestInfo};

/// Which proxies are believed when they say that a request came over https, for
/// [`Config::trust_proxies`](crate::Config::trust_proxies).
///
/// Each proxy that is counted must set or add `X-Forwarded-Proto` (or [`Forwarded`](Self::reading_forwarded)) itself: one
/// that passes on what the client sent lets the client decide.
#[derive(Clone, Debug)]
pub struct ProxyTrust {
    whom: Whom,
    header: Header,
}

#[derive(Clone)]
enum Whom {
    /// The word of the outermost of so many proxies.
    Hops(usize),
    /// Proxies at addresses in these networks.
    Networks(Arc<[IpNet]>),
    Application(Arc<dyn Fn(&RequestInfo) -> bool + Send + Sync>),
}

impl fmt::Debug for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hops(hops) => f.debug_tuple("Hops").field(hops).finish(),
            Self::Networks(networks) => f.debug_tuple("Networks").field(networks).finish(),
            Self::Application(_) => f.write_str("Application"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    XForwardedProto,
    /// RFC 7239
    Forwarded,
}

impl ProxyTrust {
    /// Believes the outermost of `proxies` proxies, each of which adds an element to the header: the element that stands
    /// there as counted from the right. A header with fewer elements did not come through all of them, and says nothing.
    ///
    /// Only if no request can reach the server past them. Of proxies that replace the header (Caddy, lighttpd, H2O,
    /// nghttpx), the innermost one counts: `hops(1)`, and it must itself trust the one before it.
    ///
    /// ```
    /// use cloakroom::{Config, ProxyTrust, Secure};
    ///
    /// // A load balancer, and nginx behind it with `proxy_set_header X-Forwarded-Proto "$http_x_forwarded_proto, $scheme"`.
    /// let config = Config::default().cookie_name("id").secure(Secure::Auto).trust_proxies(ProxyTrust::hops(2));
    /// ```
    pub const fn hops(proxies: usize) -> Self {
        Self { whom: Whom::Hops(proxies), header: Header::XForwardedProto }
    }

    /// Believes proxies whose addresses are in `networks`, such as `10.0.0.0/8`, `fd00::/8` or `192.0.2.7`.
    ///
    /// The connection must come from such an address. How many of them the request went through stands in
    /// `X-Forwarded-For` (or the `for` of `Forwarded`), from the right: addresses in the networks are proxies, the first
    /// other one is the client. A connection from elsewhere is believed nothing. Where the adapter does not know the
    /// address that a connection came from, nothing is believed: see [`RequestHead::peer`].
    ///
    /// # Errors
    /// If a text is neither an address nor a network.
    ///
    /// ```
    /// use cloakroom::{Config, ProxyTrust, Secure};
    ///
    /// let trust = ProxyTrust::networks(["10.0.0.0/8", "::1"])?;
    /// let config = Config::default().cookie_name("id").secure(Secure::Auto).trust_proxies(trust);
    /// assert!(ProxyTrust::networks(["10.0.0.0/33"]).is_err());
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn networks<N: AsRef<str>>(networks: impl IntoIterator<Item = N>) -> Result<Self, ConfigError> {
        let networks = networks.into_iter().map(|network| read_network(network.as_ref()));
        let networks: Vec<IpNet> = networks.collect::<Result<_, _>>()?;
        Ok(Self { whom: Whom::Networks(networks.into()), header: Header::XForwardedProto })
    }

    /// Has the application say whether a request came over https. One that panics says that it did not.
    ///
    /// ```
    /// use cloakroom::{Config, ProxyTrust, Secure};
    ///
    /// let trust = ProxyTrust::application(|request| request.header("cloudfront-forwarded-proto") == Some(b"https"));
    /// let config = Config::default().cookie_name("id").secure(Secure::Auto).trust_proxies(trust);
    /// ```
    pub fn application(came_over_https: impl Fn(&RequestInfo) -> bool + Send + Sync + 'static) -> Self {
        Self { whom: Whom::Application(Arc::new(came_over_https)), header: Header::XForwardedProto }
    }

    /// Reads `Forwarded` (RFC 7239) instead of `X-Forwarded-Proto` and `X-Forwarded-For`. One of the two must be read and
    /// the other one not, because most proxies pass on the one that they do not know.
    ///
    /// ```
    /// use cloakroom::ProxyTrust;
    ///
    /// let trust = ProxyTrust::hops(1).reading_forwarded();
    /// ```
    #[must_use]
    pub const fn reading_forwarded(mut self) -> Self {
        self.header = Header::Forwarded;
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match &self.whom {
            Whom::Hops(0) => Err(ConfigError::new(&["trust_proxies"], "counts at least one proxy")),
            Whom::Networks(networks) if networks.is_empty() => {
                Err(ConfigError::new(&["trust_proxies"], "names at least one network"))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether a request came over https, as far as those say who are believed.
    pub(crate) fn came_over_https(&self, head: &impl RequestHead) -> bool {
        let networks = match &self.whom {
            Whom::Application(ask) => {
                let info = RequestInfo::of(head);
                return catch_unwind(AssertUnwindSafe(|| ask(&info))).unwrap_or_else(|_| {
                    tracing::error!("the application's function of trust_proxies panicked");
                    false
                });
            }
            Whom::Hops(hops) => {
                return Chain::of(head, self.header).is_https_at(*hops);
            }
            Whom::Networks(networks) => networks,
        };
        let trusts = |address: IpAddr| {
            let address = address.to_canonical();
            networks.iter().any(|network| network.contains(&address))
        };
        match head.peer() {
            Some(peer) if trusts(peer) => Chain::of(head, self.header).says_https(trusts),
            _ => head.is_https(),
        }
    }
}

fn read_network(text: &str) -> Result<IpNet, ConfigError> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| {
        ConfigError::new(&["trust_proxies"], format!("{text:?} is neither an address nor a network"))
    })
}

/// What the proxies said, each an element, the last proxy's word last.
struct Chain<'h> {
    protos: Vec<&'h [u8]>,
    addresses: Vec<&'h [u8]>,
}

impl<'h> Chain<'h> {
    fn of(head: &'h impl RequestHead, header: Header) -> Self {
        let mut chain = Self { protos: Vec::new(), addresses: Vec::new() };
        head.each_header(&mut |name, value| match (header, name) {
            (Header::XForwardedProto, "x-forwarded-proto") => {
                chain.protos.extend(value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii));
            }
            (Header::XForwardedProto, "x-forwarded-for") => {
                chain.addresses.extend(value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii));
            }
            (Header::Forwarded, "forwarded") => {
                for element in elements_of(value) {
                    chain.protos.push(parameter(element, b"proto"));
                    chain.addresses.push(parameter(element, b"for"));
                }
            }
            _ => {}
        });
        chain
    }

    /// Returns whether the element that stands there, counted from the right, says https.
    fn is_https_at(&self, place: usize) -> bool {
        let element = self.protos.len().checked_sub(place).and_then(|at| self.protos.get(at));
        element.is_some_and(|proto| proto.eq_ignore_ascii_case(b"https"))
    }

    /// Returns whether the outermost of the proxies that are believed says https.
    fn says_https(&self, trusts: impl Fn(IpAddr) -> bool) -> bool {
        let proxies = self.addresses.iter().rev();
        let more = proxies.take_while(|address| address_of(address).is_some_and(&trusts)).count();
        // The last proxy stands in no list: the connection came from it. Proxies that replace the header leave one word.
        self.is_https_at((1 + more).min(self.protos.len()).max(1))
    }
}

/// Reads an address as the headers have it: `192.0.2.7`, `192.0.2.7:80`, `[2001:db8::7]:80`, `2001:db8::7`.
fn address_of(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

/// Returns the value of a parameter of an element of `Forwarded`, without quotes; empty if it is absent.
fn parameter<'h>(element: &'h [u8], name: &[u8]) -> &'h [u8] {
    let mut pairs = split_outside_quotes(element, b';').filter_map(|pair| {
        let equals = pair.iter().position(|&byte| byte == b'=')?;
        let (found, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
        let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        found.eq_ignore_ascii_case(name).then_some(unquoted.unwrap_or(value))
    });
    pairs.next().unwrap_or_default()
}

/// Returns the elements of a line of `Forwarded`. A quote that is not closed may be a client's, to hide what a proxy added
/// behind it: such a line has one element, which says nothing.
fn elements_of(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_closed = split_outside_quotes(line, b',').last().is_none_or(|last| {
        let mut quotes = Quotes::default();
        last.iter().for_each(|&byte| {
            quotes.pass(byte);
        });
        !quotes.is_open
    });
    split_outside_quotes(if is_closed { line } else { b"" }, b',')
}

/// Where in a text quotes are open.
#[derive(Default)]
struct Quotes {
    is_open: bool,
    is_escaped: bool,
}

impl Quotes {
    /// Goes past a byte; returns whether it is outside of quotes.
    fn pass(&mut self, byte: u8) -> bool {
        let was_escaped = std::mem::take(&mut self.is_escaped);
        match byte {
            b'\\' if self.is_open && !was_escaped => self.is_escaped = true,
            b'"' if !was_escaped => self.is_open = !self.is_open,
            _ => {}
        }
        !self.is_open
    }
}

fn split_outside_quotes(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quotes = Quotes::default();
    text.split(move |&byte| quotes.pass(byte) && byte == separator)
}

#[cfg(test)]
#[path = "proxies_tests.rs"]
mod tests;
