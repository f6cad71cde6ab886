//! koa-generic-session.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::Config;
use cloakroom::store::BodyStore;

use super::Secrets;
use super::cookie_options::{CookieOptions, When};
use super::signed_cookies::KoaCookies;
use crate::body::Dialect;
use crate::cookie::{Attributes, CookieError, KoaCookie};
use crate::store::{CookieBody, NodeStore};

/// Shares sessions with a Koa application that uses koa-generic-session.
///
/// The defaults are those of that package. What must be the same on both sides: `app.keys`, the cookie's name and
/// attributes, and the store with its prefix (`koa:sess:` unless the application says otherwise).
///
/// | option | default |
/// |---|---|
/// | `key`, the cookie's name | `koa.sid` |
/// | `cookie.maxAge` | a day |
/// | `cookie.path`, `cookie.httpOnly` | `/`, `true` |
/// | `allowEmpty`, `rolling` | `false` |
///
/// ```
/// use cloakroom_node::Koa;
///
/// let config = Koa::new(["keys", "older keys"])?.config();
/// # let _ = config;
/// # Ok::<(), cloakroom_node::cookie::CookieError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Koa {
    cookie: Arc<KoaCookie>,
    keys: Secrets,
    attributes: Attributes,
    secure: When,
    max_age: Duration,
    rolling: bool,
    allow_empty: bool,
}

impl Koa {
    /// Begins with the defaults. The first key signs, all of them verify.
    ///
    /// # Errors
    /// [`CookieError::Secret`] if there is no key, or an empty one.
    pub fn new(keys: impl IntoIterator<Item: AsRef<[u8]>>) -> Result<Self, CookieError> {
        let keys: Vec<Vec<u8>> = keys.into_iter().map(|key| key.as_ref().to_vec()).collect();
        let cookie = Arc::new(KoaCookie::new("koa.sid", &keys)?);
        let max_age = Duration::from_secs(24 * 60 * 60);
        let attributes = Attributes { max_age: Some(86_400_000), ..Attributes::default() };
        Ok(Self {
            cookie,
            keys: Secrets(keys),
            attributes,
            secure: When::Never,
            max_age,
            rolling: false,
            allow_empty: false,
        })
    }

    /// Sets the cookie's name, which Koa calls `key`.
    ///
    /// # Errors
    /// [`CookieError::Name`] if a cookie cannot have it.
    pub fn name(mut self, name: impl Into<String>) -> Result<Self, CookieError> {
        self.cookie = Arc::new(KoaCookie::new(name, &self.keys.0)?);
        Ok(self)
    }

    /// Sets how long cookie and session live after the last write.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.attributes.max_age = Some(i64::try_from(max_age.as_millis()).unwrap_or(i64::MAX));
        self.max_age = max_age;
        self
    }

    /// Sets the attributes of the cookies. Their lifetime is [`max_age`](Self::max_age), so `max_age` and `expires` are left
    /// out. With `secure`, a request over plain HTTP gets no cookie. As in Koa, requests outside of `path` have no session.
    ///
    /// # Errors
    /// [`CookieError::Path`] or [`CookieError::Domain`] if one of them cannot be.
    pub fn attributes(mut self, attributes: Attributes) -> Result<Self, CookieError> {
        self.secure = if attributes.secure == Some(true) { When::Always } else { When::Never };
        self.attributes = Attributes { max_age: self.attributes.max_age, expires: None, ..attributes };
        self.cookie.write("id", &self.attributes, 0)?;
        Ok(self)
    }

    /// Sends the cookies with every response to a request that has a session.
    #[must_use]
    pub fn rolling(mut self, rolling: bool) -> Self {
        self.rolling = rolling;
        self
    }

    /// Stores a new session although nothing was put into it.
    #[must_use]
    pub fn allow_empty(mut self, allow: bool) -> Self {
        self.allow_empty = allow;
        self
    }

    /// Returns the options of an engine that shares the sessions. Others may be set on them.
    pub fn config(&self) -> Config {
        let cookie = self.cookie.clone();
        let options = CookieOptions {
            attributes: super::without_lifetime(&self.attributes),
            secure: self.secure,
            same_site_auto: false,
            dialect: Dialect::Koa,
            chosen: None,
        };
        Config::default()
            .cookie_format(KoaCookies { cookie, options })
            .idle_timeout(self.max_age)
            .absolute_timeout(None)
            .persistent(true)
            .rolling(self.rolling)
            .save_empty(self.allow_empty)
            .max_sessions_per_user(None)
            .sweep_interval(super::SWEEP_INTERVAL)
    }

    /// Makes a store of the bodies that the Koa application keeps in `bodies`.
    pub fn store(&self, bodies: impl BodyStore) -> NodeStore {
        let format = CookieBody {
            dialect: Dialect::Koa,
            attributes: self.attributes.clone(),
            idle: self.max_age,
            passport: None,
        };
        NodeStore::new(Arc::new(bodies), Arc::new(format))
    }
}
