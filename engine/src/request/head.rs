//! What the engine needs of a request.

use std::fmt;

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
}

impl fmt::Debug for PlainRequest {
    /// Shows no cookie: requests are logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainRequest")
            .field("cookies", &format_args!("{} headers", self.cookies.len()))
            .field("forwarded_proto", &self.forwarded_proto)
            .field("https", &self.https)
            .field("path", &self.path)
            .finish()
    }
}
