//! `@socialtables/session`.

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

/// Shares sessions with an application that uses `@socialtables/session`: the bodies are Express's but for the names in the
/// `cookie` object, the cookies are Koa's, and so such an application can share them with a Koa application.
///
/// The defaults are those of the package: `connect.sid`, `Path=/`, `HttpOnly`, until the browser closes. Signatures are checked.
///
/// ```
/// use cloakroom_node::SocialTables;
///
/// let config = SocialTables::new(["keys", "older keys"])?.config();
/// # let _ = config;
/// # Ok::<(), cloakroom_node::cookie::CookieError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SocialTables {
    cookie: Arc<KoaCookie>,
    keys: Secrets,
    attributes: Attributes,
    secure: When,
    ttl: Duration,
    rolling: bool,
}

impl SocialTables {
    /// Begins with the defaults. The first key signs, all of them verify.
    ///
    /// # Errors
    /// [`CookieError::Secret`] if there is no key, or an empty one.
    pub fn new(keys: impl IntoIterator<Item: AsRef<[u8]>>) -> Result<Self, CookieError> {
        let keys: Vec<Vec<u8>> = keys.into_iter().map(|key| key.as_ref().to_vec()).collect();
        let cookie = Arc::new(KoaCookie::new("connect.sid", &keys)?);
        let ttl = Duration::from_secs(24 * 60 * 60);
        Ok(Self {
            cookie,
            keys: Secrets(keys),
            attributes: Attributes::default(),
            secure: When::Never,
            ttl,
            rolling: false,
        })
    }

    /// Sets the cookie's name.
    ///
    /// # Errors
    /// [`CookieError::Name`] if a cookie cannot have it.
    pub fn name(mut self, name: impl Into<String>) -> Result<Self, CookieError> {
        self.cookie = Arc::new(KoaCookie::new(name, &self.keys.0)?);
        Ok(self)
    }

    /// Sets how long cookie and session live after the last use; `None`: the cookie ends with the browser.
    #[must_use]
    pub fn max_age(mut self, max_age: impl Into<Option<Duration>>) -> Self {
        let millis = |age: Duration| i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        self.attributes.max_age = max_age.into().map(millis);
        self
    }

    /// Sets how long a session lives after its last use whose cookie ends with the browser: the store's option `ttl`.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets the attributes of the cookies. Their lifetime is [`max_age`](Self::max_age), so `max_age` and `expires` are left
    /// out. With `secure`, a request over plain HTTP gets no cookie. Requests outside of `path` have no session.
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

    /// Returns the options of an engine that shares the sessions. Others may be set on them.
    pub fn config(&self) -> Config {
        let cookie = self.cookie.clone();
        let options = CookieOptions {
            attributes: super::without_lifetime(&self.attributes),
            secure: self.secure,
            same_site_auto: false,
            dialect: Dialect::SocialTables,
            chosen: None,
        };
        Config::default()
            .cookie_format(KoaCookies { cookie, options })
            .idle_timeout(self.idle())
            .absolute_timeout(None)
            .persistent(self.attributes.max_age.is_some())
            .rolling(self.rolling)
            .max_sessions_per_user(None)
            .sweep_interval(super::SWEEP_INTERVAL)
    }

    /// Makes a store of the bodies that the application keeps in `bodies`.
    pub fn store(&self, bodies: impl BodyStore) -> NodeStore {
        let format = CookieBody {
            dialect: Dialect::SocialTables,
            attributes: self.attributes.clone(),
            idle: self.idle(),
            passport: None,
        };
        NodeStore::new(Arc::new(bodies), Arc::new(format))
    }

    fn idle(&self) -> Duration {
        let age = self.attributes.max_age.and_then(|age| u64::try_from(age).ok());
        age.map_or(self.ttl, Duration::from_millis)
    }
}
