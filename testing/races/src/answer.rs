//! What came back.

use hyper::header::SET_COOKIE;
use hyper::{HeaderMap, StatusCode};

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    /// Whether the package leaves cookies of ended sessions in browsers.
    pub(crate) leaves_ended: bool,
}

impl Answer {
    /// Returns the `Set-Cookie` header; there is never more than one.
    pub fn set_cookie(&self) -> Option<&str> {
        let all: Vec<_> = self.headers.get_all(SET_COOKIE).iter().collect();
        assert!(all.len() < 2, "two Set-Cookie headers");
        all.first().map(|value| value.to_str().expect("our cookies are text"))
    }

    /// Returns whether it neither sets nor removes the cookie.
    pub fn leaves_cookie(&self) -> bool {
        self.set_cookie().is_none()
    }

    /// Returns whether it removes the cookie; for a package that leaves it in the browser, whether it does so.
    pub fn removes_cookie(&self) -> bool {
        if self.leaves_ended { self.leaves_cookie() } else { self.is_removal() }
    }

    /// Returns whether it takes the cookie away.
    pub(crate) fn is_removal(&self) -> bool {
        self.set_cookie().is_some_and(|header| header.contains("; Max-Age=0;"))
    }

    /// Returns the value that it sets the cookie to.
    pub fn new_cookie(&self) -> Option<String> {
        let header = self.set_cookie().filter(|_| !self.is_removal())?;
        let (_, rest) = header.split_once('=')?;
        Some(rest.split(';').next().unwrap_or_default().to_owned())
    }

    /// Returns the `Max-Age` that it gives the cookie.
    pub fn max_age(&self) -> Option<u64> {
        let (_, rest) = self.set_cookie()?.split_once("; Max-Age=")?;
        rest.split(';').next()?.parse().ok()
    }

    /// Returns a header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Fails the test unless the request succeeded.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often only the check matters")]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self
    }
}
