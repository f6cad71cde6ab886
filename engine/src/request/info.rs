//! A copy of a request's head, for functions of the application.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::RequestHead;

/// A copy of a request's head, which the functions that a [`Config`](crate::Config) was given may read.
///
/// It is made only if there is such a function, and is cheap to clone. It holds the cookies, so its `Debug` shows no
/// header.
///
/// ```
/// use cloakroom::{PlainRequest, RequestInfo};
///
/// let mut request = PlainRequest::default().with_path("/cart");
/// request.headers.push(("user-agent".into(), "curl".into()));
/// let info = RequestInfo::of(&request);
/// assert_eq!(info.header("User-Agent"), Some("curl".as_bytes()));
/// assert_eq!(info.path(), Some("/cart"));
/// ```
#[derive(Clone, Default)]
pub struct RequestInfo(Arc<Parts>);

#[derive(Default)]
struct Parts {
    method: Option<Box<str>>,
    path: Option<Box<str>>,
    headers: Vec<(Box<str>, Box<[u8]>)>,
    peer: Option<IpAddr>,
}

impl RequestInfo {
    /// Copies the head of a request.
    pub fn of(head: &impl RequestHead) -> Self {
        let mut headers = Vec::new();
        head.each_header(&mut |name, value| headers.push((name.into(), value.into())));
        Self(Arc::new(Parts {
            method: head.method().map(Into::into),
            path: head.path().map(Into::into),
            headers,
            peer: head.peer(),
        }))
    }

    /// Returns the method, such as `GET`; `None` if the adapter does not know it.
    pub fn method(&self) -> Option<&str> {
        self.0.method.as_deref()
    }

    /// Returns the path that the client asked for; `None` if the adapter does not know it.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// Returns the value of the first header of this name, in upper or lower case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers(name).next()
    }

    /// Returns the values of all headers of this name, in upper or lower case.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let of_name = move |header: &&(Box<str>, Box<[u8]>)| header.0.eq_ignore_ascii_case(name);
        self.0.headers.iter().filter(of_name).map(|(_, value)| &**value)
    }

    /// Returns the address that the connection came from: that of the client, or of the last proxy. `None` if the
    /// server did not tell the adapter.
    pub fn peer(&self) -> Option<IpAddr> {
        self.0.peer
    }
}

impl fmt::Debug for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestInfo")
            .field("method", &self.0.method)
            .field("path", &self.0.path)
            .field("headers", &self.0.headers.len())
            .finish_non_exhaustive()
    }
}
