//! What the engine needs of a request.

use std::fmt;

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

    /// Returns the method, in capitals. Default: `GET`.
    #[expect(clippy::unnecessary_literal_bound, reason = "an adapter returns a part of the request")]
    fn method(&self) -> &str {
        "GET"
    }

    /// Returns the first value of a header. Default: unknown, which is as if it were absent.
    fn header(&self, field: RequestField) -> Option<&[u8]> {
        let _ = field;
        None
    }
}

/// A request without a framework: for tests, and where there are only headers.
#[derive(Clone, Default)]
pub struct PlainRequest {
    /// The `Cookie` headers.
    pub cookies: Vec<String>,
    /// The `X-Forwarded-Proto` header.
    pub forwarded_proto: Option<String>,
    /// Whether it came over TLS.
    pub https: bool,
    /// The path, if it matters.
    pub path: Option<String>,
    /// The method; `None`: `GET`.
    pub method: Option<String>,
    /// What the request says of who made it.
    pub headers: Vec<(RequestField, String)>,
}

impl PlainRequest {
    /// Makes a request with one `Cookie` header.
    pub fn with_cookie(cookie: impl Into<String>) -> Self {
        Self { cookies: vec![cookie.into()], ..Self::default() }
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

    fn method(&self) -> &str {
        self.method.as_deref().unwrap_or("GET")
    }

    fn header(&self, field: RequestField) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(name, _)| *name == field);
        found.map(|(_, value)| value.as_bytes())
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
            .field("headers", &self.headers)
            .finish()
    }
}
