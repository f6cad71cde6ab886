//! node-session.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::Config;
use cloakroom::store::BodyStore;

use super::Secrets;
use super::cookie_options::When;
use super::signed_cookies::NodeSessionCookies;
use crate::cookie::{Attributes, CookieError, NodeSessionCookie};
use crate::node_session::Encrypter;
use crate::store::{NodeSessionBody, NodeStore};

/// Shares sessions with an application that uses node-session 1.x.
///
/// The defaults are those of node-session. What must be the same on both sides: the secret, the cookie's name and attributes,
/// the lifetime, and the folder.
///
/// | option | default |
/// |---|---|
/// | `cookie`, the name | `node_session` |
/// | `lifetime` | five minutes |
/// | `expireOnClose`, `secure`, `encrypt` | `false` |
/// | `path`, `httpOnly` | `/`, `true` |
/// | `domain` | none |
///
/// Every response to a request that looked at its session sends the cookie again, with the whole lifetime.
/// [`NodeValues`](crate::NodeValues) has the CSRF token. Flash values are those of
/// [`Session::flash`](cloakroom::Session::flash).
///
/// ```
/// use cloakroom_node::{FileBodies, FileLayout, NodeSession};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let parent = tempfile::tempdir()?;
/// # let folder = parent.path().join("sessions");
/// let node_session = NodeSession::new(["a secret"])?;
/// let config = node_session.config();
/// let store = node_session.store(FileBodies::open(folder, FileLayout::node_session()).await?);
/// # let _ = (config, store);
/// # Ok(()) }
/// ```
///
/// # Where it differs
/// - node-session goes on with a signed id that it does not know. Here such a client gets a new id.
/// - node-session stores a session for every request. Here a session without values is not stored, unless
///   [`save_empty`](Self::save_empty) asks for it.
/// - The end of a session takes the cookie away, as node-session would go on with its id.
/// - A flash value that Node sets while a request of ours is under way counts as shown by that request, if this one writes.
/// - An idle session is gone after its lifetime. node-session reads a file until its clean-up removes it.
#[derive(Clone, Debug)]
pub struct NodeSession {
    cookie: Arc<NodeSessionCookie>,
    secrets: Secrets,
    attributes: Attributes,
    secure: When,
    lifetime: Duration,
    expire_on_close: bool,
    encrypt: bool,
    save_empty: bool,
}

impl NodeSession {
    /// Begins with the defaults. The first secret signs, all of them verify; node-session itself has one.
    ///
    /// # Errors
    /// [`CookieError::Secret`] if there is no secret, or an empty one.
    pub fn new(secrets: impl IntoIterator<Item: AsRef<[u8]>>) -> Result<Self, CookieError> {
        let secrets: Vec<Vec<u8>> = secrets.into_iter().map(|secret| secret.as_ref().to_vec()).collect();
        Ok(Self {
            cookie: Arc::new(NodeSessionCookie::new("node_session", &secrets)?),
            secrets: Secrets(secrets),
            attributes: Attributes::default(),
            secure: When::Never,
            lifetime: Duration::from_secs(300),
            expire_on_close: false,
            encrypt: false,
            save_empty: false,
        })
    }

    /// Sets the cookie's name, the option `cookie`.
    ///
    /// # Errors
    /// [`CookieError::Name`] if a cookie cannot have it.
    pub fn name(mut self, name: impl Into<String>) -> Result<Self, CookieError> {
        self.cookie = Arc::new(NodeSessionCookie::new(name, &self.secrets.0)?);
        Ok(self)
    }

    /// Sets how long cookie and session live after the last use. Give [`FileLayout::ttl`](crate::FileLayout::ttl) the same.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Lets the cookie end with the browser, or not.
    #[must_use]
    pub fn expire_on_close(mut self, expire: bool) -> Self {
        self.expire_on_close = expire;
        self
    }

    /// Sets the cookie's path.
    ///
    /// # Errors
    /// [`CookieError::Path`] if it has a character that a path cannot have.
    pub fn path(mut self, path: impl Into<String>) -> Result<Self, CookieError> {
        self.attributes.path = Some(path.into());
        self.checked()
    }

    /// Sets the cookie's domain.
    ///
    /// # Errors
    /// [`CookieError::Domain`] if it is not a domain.
    pub fn domain(mut self, domain: impl Into<String>) -> Result<Self, CookieError> {
        self.attributes.domain = Some(domain.into());
        self.checked()
    }

    /// Sends the cookie over HTTPS only. A request over plain HTTP gets none, as in node-session.
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.secure = When::Always;
        self
    }

    /// Lets scripts of the page read the cookie, or not.
    #[must_use]
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.attributes.http_only = http_only;
        self
    }

    /// Encrypts what is written, as the option of this name does. What is encrypted is read either way.
    ///
    /// The package's encryption hides little, see [`Encrypter`], and Node 22 and later cannot read it.
    #[must_use]
    pub fn encrypt(mut self, encrypt: bool) -> Self {
        self.encrypt = encrypt;
        self
    }

    /// Stores a session for every request that looks at it, although nothing was put into it, as node-session does.
    #[must_use]
    pub fn save_empty(mut self, save: bool) -> Self {
        self.save_empty = save;
        self
    }

    /// Returns the options of an engine that shares the sessions. Others may be set on them.
    pub fn config(&self) -> Config {
        let cookies = NodeSessionCookies {
            cookie: self.cookie.clone(),
            attributes: super::without_lifetime(&self.attributes),
            secure: self.secure,
        };
        Config::default()
            .cookie_format(cookies)
            .idle_timeout(self.lifetime)
            .absolute_timeout(None)
            .persistent(!self.expire_on_close)
            .rolling(true)
            .save_empty(self.save_empty)
            .max_sessions_per_user(None)
            .sweep_interval(super::SWEEP_INTERVAL)
    }

    /// Makes a store of the bodies that the application keeps in `bodies`.
    pub fn store(&self, bodies: impl BodyStore) -> NodeStore {
        let format = NodeSessionBody {
            lifetime: self.lifetime,
            encrypters: self.secrets.0.iter().map(Encrypter::new).collect(),
            encrypt: self.encrypt,
        };
        NodeStore::new(Arc::new(bodies), Arc::new(format))
    }

    fn checked(self) -> Result<Self, CookieError> {
        self.cookie.write("id", &self.attributes, 0)?;
        Ok(self)
    }
}

#[cfg(test)]
#[path = "node_session_tests.rs"]
mod tests;
