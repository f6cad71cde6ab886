//! express-session.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::BodyStore;
use cloakroom::{Config, RequestInfo};

use super::Secrets;
use super::cookie_options::{Choice, CookieOptions, When};
use super::signed_cookies::ExpressCookies;
use crate::body::Dialect;
use crate::cookie::{Attributes, CookieError, ExpressCookie, SameSite};
use crate::store::{CookieBody, NodeStore, Passport};

/// Shares sessions with an Express application that uses express-session.
///
/// The defaults are those of express-session, as are the names of the options. What must be the same on both sides: the
/// secrets, the cookie's name and attributes, and the store with its prefix or table.
///
/// | option | default |
/// |---|---|
/// | `name` | `connect.sid` |
/// | `cookie.path`, `cookie.httpOnly` | `/`, `true` |
/// | `cookie.maxAge` | none: until the browser closes |
/// | `cookie.domain`, `cookie.secure`, `cookie.sameSite`, `cookie.partitioned`, `cookie.priority` | none |
/// | `resave`, `saveUninitialized` | `false` here, as express-session asks its users to set them; see [`resave`](Self::resave) |
/// | `rolling` | `false` |
/// | time to live of a session whose cookie ends with the browser | a day |
///
/// ```
/// use cloakroom_node::Express;
///
/// let express = Express::new(["keyboard cat"])?.max_age(std::time::Duration::from_secs(3600));
/// let config = express.config();
/// # let _ = config;
/// # Ok::<(), cloakroom_node::cookie::CookieError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Express {
    cookie: Arc<ExpressCookie>,
    secrets: Secrets,
    attributes: Attributes,
    secure: When,
    same_site_auto: bool,
    ttl: Duration,
    rolling: bool,
    resave: bool,
    save_uninitialized: bool,
    passport: Option<Passport>,
    chosen: Option<Choice>,
}

impl Express {
    /// Begins with the defaults. The first secret signs, all of them verify.
    ///
    /// # Errors
    /// [`CookieError::Secret`] if there is no secret, or an empty one.
    pub fn new(secrets: impl IntoIterator<Item: AsRef<[u8]>>) -> Result<Self, CookieError> {
        let secrets: Vec<Vec<u8>> = secrets.into_iter().map(|secret| secret.as_ref().to_vec()).collect();
        Ok(Self {
            cookie: Arc::new(ExpressCookie::new("connect.sid", &secrets)?),
            secrets: Secrets(secrets),
            attributes: Attributes::default(),
            secure: When::Never,
            same_site_auto: false,
            ttl: Duration::from_secs(24 * 60 * 60),
            rolling: false,
            resave: false,
            save_uninitialized: false,
            passport: None,
            chosen: None,
        })
    }

    /// Sets the cookie's name.
    ///
    /// # Errors
    /// [`CookieError::Name`] if a cookie cannot have it.
    pub fn name(mut self, name: impl Into<String>) -> Result<Self, CookieError> {
        self.cookie = Arc::new(ExpressCookie::new(name, &self.secrets.0)?);
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

    /// Sets the cookie's path; `None` writes none. As in Express, requests for other paths have no session: a handler that
    /// asks for it there gets an error.
    ///
    /// # Errors
    /// [`CookieError::Path`] if it has a character that a path cannot have.
    pub fn path(mut self, path: impl Into<Option<String>>) -> Result<Self, CookieError> {
        self.attributes.path = path.into();
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

    /// Sends the cookie over HTTPS only. As Express does, a request over plain HTTP then gets no cookie.
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.secure = When::Always;
        self.attributes.secure = Some(true);
        self
    }

    /// Marks the cookie as `Secure` where the request came over HTTPS: `secure: 'auto'`.
    #[must_use]
    pub fn secure_auto(mut self) -> Self {
        self.secure = When::Https;
        self
    }

    /// Lets scripts of the page read the cookie, or not.
    #[must_use]
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.attributes.http_only = http_only;
        self
    }

    /// Sets which requests from other sites bring the cookie.
    #[must_use]
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.attributes.same_site = same_site.into();
        self.same_site_auto = false;
        self
    }

    /// Says `SameSite=None` where the request that begins the session came over HTTPS, and else `SameSite=Lax`:
    /// `sameSite: 'auto'`.
    #[must_use]
    pub fn same_site_auto(mut self) -> Self {
        self.same_site_auto = true;
        self
    }

    /// Sets all attributes of the cookie at once. A session counts from its last use, so there is no place for a date:
    /// `expires` is left out.
    ///
    /// # Errors
    /// [`CookieError::Path`] or [`CookieError::Domain`] if one of them cannot be.
    pub fn attributes(mut self, attributes: Attributes) -> Result<Self, CookieError> {
        self.secure = if attributes.secure == Some(true) { When::Always } else { When::Never };
        self.attributes = Attributes { expires: None, ..attributes };
        self.same_site_auto = false;
        self.checked()
    }

    /// Lets a function choose the attributes of each new session's cookie: the option `cookie` as a function. It is given
    /// the head of the request that begins the session, and the attributes that the cookie would have; the session keeps
    /// what it returns. A lifetime in there is left out: [`max_age`](Self::max_age) sets it for all sessions, and
    /// `session.cookie()` for one.
    ///
    /// As in Express, it is also asked for the path below which a request may have a session, with each request. A path or
    /// domain that no cookie can have is an [`Invalid`](cloakroom::ErrorKind::Invalid) error of the handler that asks for
    /// the session.
    ///
    /// ```
    /// use cloakroom_node::{Express, cookie::Attributes};
    ///
    /// let express = Express::new(["keyboard cat"])?.cookie(|request, attributes| {
    ///     let is_admin = request.path().is_some_and(|path| path.starts_with("/admin"));
    ///     if is_admin { Attributes { path: Some("/admin".into()), ..attributes } } else { attributes }
    /// });
    /// # let _ = express;
    /// # Ok::<(), cloakroom_node::cookie::CookieError>(())
    /// ```
    #[must_use]
    pub fn cookie(
        mut self,
        choose: impl Fn(&RequestInfo, Attributes) -> Attributes + Send + Sync + 'static,
    ) -> Self {
        self.chosen = Some(Choice(Arc::new(choose)));
        self
    }

    /// Sends the cookie with every response to a request that has a session.
    #[must_use]
    pub fn rolling(mut self, rolling: bool) -> Self {
        self.rolling = rolling;
        self
    }

    /// Stores a session again that a request has looked at and not changed. Parallel requests lose nothing by that here.
    #[must_use]
    pub fn resave(mut self, resave: bool) -> Self {
        self.resave = resave;
        self
    }

    /// Stores a new session although nothing was put into it.
    #[must_use]
    pub fn save_uninitialized(mut self, save: bool) -> Self {
        self.save_uninitialized = save;
        self
    }

    /// Shares log-ins with Passport, which keeps the user as `{"passport":{"user":"7"}}`: a log-in on either side is one on
    /// the other.
    #[must_use]
    pub fn passport(mut self) -> Self {
        self.passport = Some(Passport::Text);
        self
    }

    /// Does so for an application whose users have numbers: `{"passport":{"user":7}}`.
    #[must_use]
    pub fn passport_with_numbers(mut self) -> Self {
        self.passport = Some(Passport::Number);
        self
    }

    /// Returns the options of an engine that shares the sessions. Others may be set on them.
    pub fn config(&self) -> Config {
        let options = CookieOptions {
            attributes: super::without_lifetime(&self.attributes),
            secure: self.secure,
            same_site_auto: self.same_site_auto,
            dialect: Dialect::Express,
            chosen: self.chosen.clone(),
        };
        Config::default()
            .cookie_format(ExpressCookies { cookie: self.cookie.clone(), options })
            .idle_timeout(self.idle())
            .absolute_timeout(None)
            .persistent(self.attributes.max_age.is_some())
            .rolling(self.rolling)
            .save_unchanged(self.resave)
            .save_empty(self.save_uninitialized)
            .max_sessions_per_user(None)
            .sweep_interval(super::SWEEP_INTERVAL)
    }

    /// Makes a store of the bodies that the Express application keeps in `bodies`.
    pub fn store(&self, bodies: impl BodyStore) -> NodeStore {
        let format = CookieBody {
            dialect: Dialect::Express,
            attributes: self.attributes.clone(),
            idle: self.idle(),
            passport: self.passport,
        };
        NodeStore::new(Arc::new(bodies), Arc::new(format))
    }

    fn idle(&self) -> Duration {
        let age = self.attributes.max_age.and_then(|age| u64::try_from(age).ok());
        age.map_or(self.ttl, Duration::from_millis)
    }

    fn checked(self) -> Result<Self, CookieError> {
        self.cookie.write("id", &self.attributes, 0)?;
        Ok(self)
    }
}
