//! How an id travels, where that is not a cookie.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{ConfigError, RequestInfo};

/// Carries ids between client and server in something other than a cookie: for clients that are not browsers.
///
/// Give one to [`Config::transport`](crate::Config::transport). Ready made: [`HeaderTransport`] and [`BearerTransport`].
///
/// No browser sends such an id by itself, so another site cannot make it do so: no CSRF token is needed, and the layers
/// that ask for one let these requests pass. What does need care is where a page's scripts keep the id, because every
/// script of the page can read it there; a cookie that is `HttpOnly` is safer in browsers. Never carry an id in a URL: those
/// are logged.
///
/// ```
/// use cloakroom::{Config, RequestInfo, SessionManager, Transport, stores::MemoryStore};
///
/// /// The id is the user name of basic authentication.
/// #[derive(Debug)]
/// struct Station;
///
/// impl Transport for Station {
///     fn read(&self, request: &RequestInfo) -> Vec<String> {
///         let id = request.header("x-station").map(|id| String::from_utf8_lossy(id).into_owned());
///         id.into_iter().collect()
///     }
///
///     fn write(&self, id: Option<&str>) -> Vec<(String, String)> {
///         vec![("x-station".into(), id.unwrap_or("none").into())]
///     }
/// }
///
/// let manager = SessionManager::new(MemoryStore::new(), Config::default().transport(Station))?;
/// # let _ = manager;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Returns the ids that a request brought, at most sixteen of which are read; texts that cannot be ids do no harm. With
    /// [`signed`](crate::Config::signed), an id comes with its signature. One that panics brings none.
    fn read(&self, request: &RequestInfo) -> Vec<String>;

    /// Returns the headers of a response that hands out an id, or (`None`) that tells the client to forget its id: names in
    /// lower case, and values. Called without a lock, and only where there is something to tell.
    fn write(&self, id: Option<&str>) -> Vec<(String, String)>;
}

/// Carries the id in a header of the application's own, in requests and in responses.
///
/// A response that begins a session or gives it a new id has the header; after a log-out the header is there and empty.
///
/// ```
/// use cloakroom::{Config, HeaderTransport, SessionManager, stores::MemoryStore};
///
/// let config = Config::default().transport(HeaderTransport::new("x-session-id")?);
/// let manager = SessionManager::new(MemoryStore::new(), config)?;
/// # let _ = manager;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HeaderTransport {
    name: Box<str>,
}

impl HeaderTransport {
    /// Carries the id in the header `name`.
    ///
    /// # Errors
    /// If that is not the name of a header, or one that means something else: `cookie`, `set-cookie`, `authorization`, `host`.
    pub fn new(name: &str) -> Result<Self, ConfigError> {
        let name = name.to_ascii_lowercase();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(ConfigError::new(&["transport"], "is not the name of a header"));
        }
        if ["cookie", "set-cookie", "authorization", "host"].contains(&&*name) {
            return Err(ConfigError::new(&["transport"], "the header has another meaning"));
        }
        Ok(Self { name: name.into() })
    }
}

impl Transport for HeaderTransport {
    fn read(&self, request: &RequestInfo) -> Vec<String> {
        request.headers(&self.name).filter_map(|id| std::str::from_utf8(id).ok().map(str::to_owned)).collect()
    }

    fn write(&self, id: Option<&str>) -> Vec<(String, String)> {
        vec![(self.name.to_string(), id.unwrap_or_default().to_owned())]
    }
}

/// Reads the id from `Authorization: Bearer ID`, and hands it out in the header `x-session-id`, because responses have no
/// such header: a client sends back what it got. After a log-out the header is there and empty.
///
/// ```
/// use cloakroom::{BearerTransport, Config, SessionManager, stores::MemoryStore};
///
/// let manager = SessionManager::new(MemoryStore::new(), Config::default().transport(BearerTransport))?;
/// # let _ = manager;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BearerTransport;

impl Transport for BearerTransport {
    fn read(&self, request: &RequestInfo) -> Vec<String> {
        let bearer = |value: &[u8]| {
            let (scheme, id) = value.split_at_checked("Bearer ".len())?;
            let is_bearer = scheme.eq_ignore_ascii_case(b"Bearer ");
            std::str::from_utf8(id.trim_ascii()).ok().filter(|_| is_bearer).map(str::to_owned)
        };
        request.headers("authorization").filter_map(bearer).collect()
    }

    fn write(&self, id: Option<&str>) -> Vec<(String, String)> {
        vec![("x-session-id".to_owned(), id.unwrap_or_default().to_owned())]
    }
}

/// Calls the application's `read`.
pub(crate) fn read(transport: &dyn Transport, request: &RequestInfo) -> Vec<String> {
    catch_unwind(AssertUnwindSafe(|| transport.read(request))).unwrap_or_else(|_| {
        tracing::error!("the session transport panicked");
        Vec::new()
    })
}

/// Calls the application's `write`.
pub(crate) fn write(transport: &dyn Transport, id: Option<&str>) -> Vec<(String, String)> {
    catch_unwind(AssertUnwindSafe(|| transport.write(id))).unwrap_or_else(|_| {
        tracing::error!("the session transport panicked");
        Vec::new()
    })
}
