//! The options.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::adapter::CookieTemplate;
use cloakroom::{Clock, Config, ConfigError, SameSite, Secure, SystemClock};
use cloakroom_sealing::SealingKeys;

use crate::contents::Contents;
use crate::cookie::{LEAST_ROOM, SUFFIXES};

/// Every option of sealed sessions. The options of the cookie are those of [`cloakroom::Config`], with the same defaults.
///
/// ```
/// use cloakroom_sealed::{IrrevocableConfig, IrrevocableLayer, SealingKeys};
/// use std::time::Duration;
///
/// let keys = SealingKeys::new(["a secret of at least 32 bytes, from a vault"])?;
/// let config = IrrevocableConfig::new(keys).lifetime(Duration::from_secs(3600)).cookie_path("/shop");
/// let layer = IrrevocableLayer::new(config)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct IrrevocableConfig {
    cookie: Config,
    keys: SealingKeys,
    purpose: Box<str>,
    lifetime: Duration,
    persistent: bool,
    max_cookies: u8,
    clock: Arc<dyn Clock>,
}

/// What all requests of a layer share.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) cookie: CookieTemplate,
    /// The names of all cookies that a session can have.
    pub(crate) names: [Box<str>; SUFFIXES.len()],
    pub(crate) keys: SealingKeys,
    pub(crate) purpose: Box<str>,
    pub(crate) lifetime: Duration,
    pub(crate) persistent: bool,
    pub(crate) max_cookies: u8,
    pub(crate) clock: Arc<dyn Clock>,
}

impl IrrevocableConfig {
    /// The most cookies that a session can be spread over: 4.
    pub const MOST_COOKIES: u8 = 4;

    /// Begins with the defaults, which are described at each option.
    pub fn new(keys: SealingKeys) -> Self {
        Self {
            cookie: Config::default(),
            keys,
            purpose: Box::default(),
            lifetime: Duration::from_secs(12 * 60 * 60),
            persistent: true,
            max_cookies: 2,
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets what the sessions are for, if several applications have the same secrets: a session of one purpose is never
    /// opened for another. Default: the empty text. The cookie's name always counts too.
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<Box<str>>) -> Self {
        self.purpose = purpose.into();
        self
    }

    /// Sets how long a session lives from its beginning on. Default: 12 hours. Neither requests nor changes make it longer;
    /// shortening it also ends older sessions earlier. Cookies have 400 days at most.
    ///
    /// Choose it short: a session that was copied or stolen cannot be ended sooner.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets whether the cookie outlives the browser, until the session's end. Default: `true`.
    #[must_use]
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// Sets how many cookies a session may take. Default: 2, at least 1, at most [4](Self::MOST_COOKIES).
    ///
    /// Each holds up to 3,900 bytes, name included, so a session has about 2,800 bytes of JSON in one cookie, and 5,700 in two. The
    /// browser sends all of them with each request. Many servers and proxies refuse a `Cookie` header over 8 KiB: more than two
    /// cookies need their limits raised.
    #[must_use]
    pub fn max_cookies(mut self, cookies: u8) -> Self {
        self.max_cookies = cookies.clamp(1, Self::MOST_COOKIES);
        self
    }

    /// Sets the first cookie's name; the others have `.1`, `.2` and `.3` behind it. Default: `__Host-sealed`;
    /// `__Secure-sealed` if a domain or a path other than `/` is set; `sealed` over plain http.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie = self.cookie.cookie_name(name);
        self
    }

    /// Sets the path that the cookie is sent to. Default: `/`.
    #[must_use]
    pub fn cookie_path(mut self, path: impl Into<String>) -> Self {
        self.cookie = self.cookie.cookie_path(path);
        self
    }

    /// Sets the domain whose hosts all get the cookie. Default: none, so that only this host does.
    #[must_use]
    pub fn cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.cookie = self.cookie.cookie_domain(domain);
        self
    }

    /// Sets which requests from other sites carry the cookie; `None` writes nothing. Default: [`SameSite::Lax`].
    #[must_use]
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.cookie = self.cookie.same_site(same_site);
        self
    }

    /// Sets whether the cookie is kept apart for each top-level site (CHIPS). Default: `false`.
    #[must_use]
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.cookie = self.cookie.partitioned(partitioned);
        self
    }

    /// Sends the cookie over plain http too: for development. Default: over https only.
    #[must_use]
    pub fn plain_http(mut self) -> Self {
        self.cookie = self.cookie.secure(Secure::Never);
        self
    }

    /// Sets the clock. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    pub(crate) fn settings(self) -> Result<Settings, ConfigError> {
        let cookie = CookieTemplate::new(&self.cookie, "sealed", LEAST_ROOM)?;
        let names = SUFFIXES.map(|suffix| format!("{}{suffix}", cookie.name()).into());
        Ok(Settings {
            cookie,
            names,
            keys: self.keys,
            purpose: self.purpose,
            lifetime: self.lifetime,
            persistent: self.persistent,
            max_cookies: self.max_cookies,
            clock: self.clock,
        })
    }
}

impl Settings {
    /// Returns the contents of a session that begins now.
    pub(crate) fn new_contents(&self) -> Contents {
        let now = self.clock.now();
        Contents::new(now, now + self.lifetime)
    }

    /// Returns whether a session goes on: its end was sealed, and a lifetime that is shorter now counts too.
    pub(crate) fn is_alive(&self, contents: &Contents) -> bool {
        let now = self.clock.now();
        now < contents.expires_at && now < contents.begun_at + self.lifetime
    }
}
