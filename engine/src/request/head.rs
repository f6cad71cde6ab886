//! What the engine needs of a request.

use std::fmt;
use std::net::IpAddr;

/// A header of a request that says who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestField {
    /// `If-Modified-Since`
    IfModifiedSince,
    /// `If-None-Match`
    IfNoneMatch,
    /// `Sec-Fetch-Mode`
    SecFetchMode,
    /// `Sec-Fetch-Site`
    SecFetchSite,
    /// `Sec-Purpose`
    SecPurpose,
}

impl RequestField {
    /// Returns the name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IfModifiedSince => "if-modified-since",
            Self::IfNoneMatch => "if-none-match",
            Self::SecFetchMode => "sec-fetch-mode",
            Self::SecFetchSite => "sec-fetch-site",
            Self::SecPurpose => "sec-purpose",
        }
    }
}

/// What the engine needs to know of a request; an adapter implements it for its framework's type.
pub trait RequestHead {
    /// Returns the values of all `Cookie` headers.
    fn cookies(&self) -> impl Iterator<Item = &[u8]>;

    /// Returns the value of the first `X-Forwarded-Proto` header.
    fn forwarded_proto(&self) -> Option<&[u8]>;

    /// Returns whether the request reached this server over TLS, as far as the server itself can tell.
    fn is_https(&self) -> bool;

    /// Returns the path that the client asked for, as it was before any router took a prefix off: `/shop/cart`. Matters
    /// only to a [`CookieFormat`](crate::format::CookieFormat) whose package looks at it. Default: unknown, which is
    /// within every cookie's path.
    fn path(&self) -> Option<&str> {
        None
    }

    /// Returns the method. Only for functions of the application. Default: unknown.
    fn method(&self) -> Option<&str> {
        None
    }

    /// Calls `see` with the name, in lower case, and the value of each header, in their order. Asked only where an option
    /// needs other headers than cookies. Default: those that the other methods return.
    fn each_header<'h>(&'h self, see: &mut dyn FnMut(&'h str, &'h [u8])) {
        for cookies in self.cookies() {
            see("cookie", cookies);
        }
        if let Some(proto) = self.forwarded_proto() {
            see("x-forwarded-proto", proto);
        }
    }

    /// Returns the first value of a header that says who made the request. Default: unknown, which is as if it were absent.
    fn header(&self, field: RequestField) -> Option<&[u8]> {
        let _ = field;
        None
    }

    /// Returns the address that the connection came from. Asked only where an option needs it. Default: unknown.
    fn peer(&self) -> Option<IpAddr> {
        None
    }
}

/// A request without a framework: for tests, and where there are only headers.
///
/// ```
/// use cloakroom::PlainRequest;
///
/// let request = PlainRequest::with_cookie("theme=dark; session=…").with_https(true).with_path("/shop/cart");
/// assert_eq!(request.cookies.len(), 1);
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct PlainRequest {
    /// The `Cookie` headers.
    pub cookies: Vec<String>,
    /// The `X-Forwarded-Proto` header.
    pub forwarded_proto: Option<String>,
    /// Whether it came over TLS.
    pub https: bool,
    /// The path, if it matters.
    pub path: Option<String>,
    /// The method, if it matters.
    pub method: Option<String>,
    /// Other headers: their names in lower case, and their values.
    pub headers: Vec<(String, String)>,
    /// Where the connection came from, if it matters.
    pub peer: Option<IpAddr>,
}

impl PlainRequest {
    /// Makes a request with one `Cookie` header.
    pub fn with_cookie(cookie: impl Into<String>) -> Self {
        Self { cookies: vec![cookie.into()], ..Self::default() }
    }

    /// Sets the `Cookie` headers, instead of those that are there.
    #[must_use]
    pub fn with_cookies(mut self, cookies: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.cookies = cookies.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the `X-Forwarded-Proto` header.
    #[must_use]
    pub fn with_forwarded_proto(mut self, proto: impl Into<String>) -> Self {
        self.forwarded_proto = Some(proto.into());
        self
    }

    /// Sets whether it came over TLS.
    #[must_use]
    pub const fn with_https(mut self, https: bool) -> Self {
        self.https = https;
        self
    }

    /// Sets the path.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }
}

impl RequestHead for PlainRequest {
    fn cookies(&self) -> impl Iterator<Item = &[u8]> {
        self.cookies.iter().map(String::as_bytes)
    }

    fn forwarded_proto(&self) -> Option<&[u8]> {
        self.forwarded_proto.as_deref().map(str::as_bytes)
    }

    fn is_https(&self) -> bool {
        self.https
    }

    fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    fn each_header<'h>(&'h self, see: &mut dyn FnMut(&'h str, &'h [u8])) {
        for cookies in &self.cookies {
            see("cookie", cookies.as_bytes());
        }
        if let Some(proto) = &self.forwarded_proto {
            see("x-forwarded-proto", proto.as_bytes());
        }
        for (name, value) in &self.headers {
            see(name, value.as_bytes());
        }
    }

    fn header(&self, field: RequestField) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(name, _)| name == field.name());
        found.map(|(_, value)| value.as_bytes())
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer
    }
}

impl fmt::Debug for PlainRequest {
    /// Shows no cookie: requests are logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainRequest")
            .field("cookies", &format_args!("{} headers", self.cookies.len()))
            .field("forwarded_proto", &self.forwarded_proto)
            .field("https", &self.https)
            .field("path", &self.path)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
