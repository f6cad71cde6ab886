//! Handshakes of WebSockets. A CSRF token cannot protect them, because a page's script cannot set their headers.

/// The head of a WebSocket's handshake, as far as it says which page began it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Handshake<'a> {
    /// The values of `Origin`, of which there is one at most.
    pub origin: &'a [&'a [u8]],
    /// The values of `Sec-Fetch-Site`, of which there is one at most.
    pub sec_fetch_site: &'a [&'a [u8]],
    /// The host that was asked, with its port: the authority of the URI, or `Host`.
    pub host: Option<&'a str>,
    /// Whether it came over TLS, as far as the server can tell.
    pub is_https: bool,
}

impl<'a> Handshake<'a> {
    /// Makes the head of a handshake over plain http, to an unknown host.
    pub const fn new(origin: &'a [&'a [u8]], sec_fetch_site: &'a [&'a [u8]]) -> Self {
        Self { origin, sec_fetch_site, host: None, is_https: false }
    }

    /// Sets the host that was asked.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<Option<&'a str>>) -> Self {
        self.host = host.into();
        self
    }

    /// Sets whether it came over TLS.
    #[must_use]
    pub const fn with_https(mut self, is_https: bool) -> Self {
        self.is_https = is_https;
        self
    }

    /// Returns whether it was not begun by a page of another origin, unless that is one of `allowed`.
    ///
    /// Browsers say where it began, in `Sec-Fetch-Site` or in `Origin`. A client that says neither is not a browser: no page
    /// can have made it send its cookies.
    ///
    /// ```
    /// use cloakroom::adapter::Handshake;
    ///
    /// let origin = [b"https://evil.example".as_slice()];
    /// let handshake = Handshake::new(&origin, &[]).with_host("shop.example");
    /// assert!(!handshake.is_from_here::<&str>(&[]));
    /// assert!(handshake.is_from_here(&["https://evil.example"]));
    /// ```
    pub fn is_from_here<A: AsRef<[u8]>>(&self, allowed: &[A]) -> bool {
        let (origin, site) = match (self.origin, self.sec_fetch_site) {
            // A browser never sends two values.
            ([_, _, ..], _) => return false,
            (origin, site) => (origin.first().copied(), site),
        };
        let is_allowed =
            |origin: &[u8]| allowed.iter().any(|allowed| allowed.as_ref().eq_ignore_ascii_case(origin));
        if origin.is_some_and(is_allowed) {
            return true;
        }
        match site {
            [] => origin.is_none_or(|origin| self.is_own(origin)),
            [site] => *site == b"same-origin" || *site == b"none",
            _ => false,
        }
    }

    /// Returns whether an origin is that of the address which was asked. Behind a proxy the scheme is not known, and the
    /// host is what the proxy says.
    fn is_own(&self, origin: &[u8]) -> bool {
        let origin = str::from_utf8(origin).ok().and_then(|origin| origin.split_once("://"));
        let (Some((scheme, authority)), Some(host)) = (origin, self.host) else { return false };
        let is_downgraded = scheme == "http" && self.is_https;
        !is_downgraded && without_port(authority, scheme).eq_ignore_ascii_case(without_port(host, scheme))
    }
}

/// Removes the default port of the scheme.
fn without_port<'a>(authority: &'a str, scheme: &str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}
