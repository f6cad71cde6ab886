//! The options of the cookie.

use std::sync::Arc;
use std::time::Duration;

use super::Config;
use crate::format::CookieFormat;
use crate::{KeyRing, ProxyTrust, SameSite, Secure, Transport};

/// # The cookie
impl Config {
    /// Returns the defaults for development over plain http: a cookie called `session` without `Secure`.
    ///
    /// Never for production: an attacker who sees the network traffic has the sessions.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::plain_http(); // curl sends its cookie back over http
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// assert!(set_cookie.starts_with("session=") && !set_cookie.contains("Secure"));
    /// # Ok(()) }
    /// ```
    pub fn plain_http() -> Self {
        Self::default().secure(Secure::Never)
    }

    /// Sets the cookie's name, exactly as written and read. Default: `__Host-session`; `__Secure-session` if a domain or
    /// a path other than `/` is set; `session` if the cookie is not always `Secure`.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().cookie_name("__Host-shop");
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// assert!(set_cookie.starts_with("__Host-shop="));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie.name = Some(name.into());
        self
    }

    /// Sets the cookie's name without its prefix, which stays the strictest that the other options allow. Default: `session`.
    ///
    /// For several applications on one host: cookies know no port, and two of one name replace each other.
    /// [`cookie_name`](Self::cookie_name) goes before it.
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// let named = |config: Config| SessionManager::new(MemoryStore::new(), config.cookie_base_name("shop"));
    /// assert_eq!(named(Config::default())?.cookie_name(), "__Host-shop");
    /// assert_eq!(named(Config::plain_http())?.cookie_name(), "shop");
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn cookie_base_name(mut self, name: impl Into<String>) -> Self {
        self.cookie.base_name = Some(name.into());
        self
    }

    /// Sets whether the cookie is also found behind a comma, as Apache joins several `Cookie` lines, although its name has a
    /// prefix. Default: `false`; without a prefix it is found there in any case.
    ///
    /// Only where such a proxy joins lines of one client, which browsers never send: a prefix keeps other hosts of the domain
    /// from setting the cookie, and a value of theirs with a comma in it would get round that.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().read_behind_commas(true); // behind an Apache that joins lines
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn read_behind_commas(mut self, read: bool) -> Self {
        self.cookie.behind_commas = read;
        self
    }

    /// Sets the path that the cookie is sent to. Default: `/`.
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// let config = Config::default().cookie_path("/shop");
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// assert_eq!(manager.cookie_name(), "__Secure-session");
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn cookie_path(mut self, path: impl Into<String>) -> Self {
        self.cookie.path = Some(path.into());
        self
    }

    /// Writes no path: the cookie is then sent to the folder of the page that set it. Default: the path is `/`.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().without_cookie_path();
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// assert!(!set_cookie.contains("Path"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn without_cookie_path(mut self) -> Self {
        self.cookie.path = None;
        self
    }

    /// Sets the domain whose hosts all get the cookie. Default: none, so that only this host does.
    ///
    /// It is a name like `example.org`, without scheme, port, path or wildcard. What browsers refuse does not build: an IP
    /// address, and a public suffix such as `co.uk`, under which strangers have their hosts.
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// let with = |domain| SessionManager::new(MemoryStore::new(), Config::default().cookie_domain(domain));
    /// assert!(with("example.co.uk").is_ok());
    /// assert_eq!(with("co.uk").unwrap_err().options(), ["cookie_domain"]);
    /// ```
    #[must_use]
    pub fn cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.cookie.domain = Some(domain.into());
        self
    }

    /// Sets when the cookie carries `Secure`. Default: [`Secure::Always`].
    ///
    /// ```
    /// use cloakroom::{Config, Secure};
    ///
    /// // One program that is reached over https from outside and over http from its own network:
    /// let config = Config::default().secure(Secure::Auto).trust_forwarded_proto(true);
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn secure(mut self, secure: Secure) -> Self {
        self.cookie.secure = secure;
        self
    }

    /// Sets whether scripts cannot read the cookie. Default: `true`.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().http_only(false); // a script of the page reads the id
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// assert!(!set_cookie.contains("HttpOnly"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.cookie.http_only = http_only;
        self
    }

    /// Sets which requests from other sites carry the cookie; `None` writes nothing. Default: [`SameSite::Lax`].
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, SameSite, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().same_site(SameSite::Strict);
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// assert!(set_cookie.contains("; SameSite=Strict"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.cookie.same_site = same_site.into();
        self
    }

    /// Sets whether the cookie is kept apart for each top-level site (CHIPS). Default: `false`.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, SameSite, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A widget, in pages of other sites:
    /// let config = Config::default().same_site(SameSite::None).partitioned(true);
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// assert!(set_cookie.ends_with("; Secure; SameSite=None; Partitioned"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.cookie.partitioned = partitioned;
        self
    }

    /// Sets whether the cookie outlives the browser. Default: `true`; it then lasts until the session's absolute end
    /// (400 days at most), and the server enforces the idle time.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().persistent(false); // until the browser is closed
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// assert!(!set_cookie.contains("Max-Age"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.lifetime.persistent = persistent;
        self
    }

    /// Sets how long a cookie that outlives the browser lasts from the moment when its id is made; `None`: until the
    /// session's absolute end. Default: `None`. It never lasts longer than that, nor than 400 days.
    ///
    /// How long a session lives that no request uses is [`idle_timeout`](Self::idle_timeout), which the server keeps; this
    /// is apart from it. The cookie is sent once an id: a shorter one than the session needs
    /// [`renew_every`](Self::renew_every) or [`rolling`](Self::rolling) to be sent again. For one session:
    /// [`SessionCookie::set_max_age`](crate::SessionCookie::set_max_age).
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let day = std::time::Duration::from_secs(24 * 60 * 60);
    /// let config = Config::default().absolute_timeout(30 * day).cookie_max_age(day);
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// assert!(set_cookie.contains("; Max-Age=86400;"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn cookie_max_age(mut self, max_age: impl Into<Option<Duration>>) -> Self {
        self.lifetime.cookie_max_age = max_age.into();
        self
    }

    /// Signs the cookie, so that forged ones cost no store trip. Default: not signed; 256 random bits cannot be guessed.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, KeyRing, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = "32 bytes or more, from a vault and not from the source";
    /// let config = Config::default().signed(KeyRing::new([secret])?);
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// let value = set_cookie.split(['=', ';']).nth(1).unwrap();
    /// assert_eq!(value.split('.').count(), 2, "the id and its signature");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn signed(mut self, keys: KeyRing) -> Self {
        self.keys = Some(keys.accepting_unsigned(self.accept_unsigned));
        self
    }

    /// Sets whether an engine that [signs](Self::signed) also takes cookies without a signature. Default: `false`.
    ///
    /// An engine that does not sign always accepts signed cookies, and ignores the signature. So signing is turned on
    /// without logging users out in two deployments, and off in two:
    ///
    /// | | first | then |
    /// |---|---|---|
    /// | on | `signed(keys).accept_unsigned(true)` | `signed(keys)`, after the [absolute lifetime](Self::absolute_timeout) |
    /// | off | `signed(keys).accept_unsigned(true)` | neither |
    ///
    /// While it is `true`, a forged cookie costs a store trip, as without signing.
    ///
    /// ```
    /// # use cloakroom::{Config, KeyRing, SessionManager, stores::MemoryStore};
    /// # let keys = KeyRing::new(["32 bytes or more, from a vault and not from the source"]).unwrap();
    /// let config = Config::default().signed(keys).accept_unsigned(true); // the first release that signs
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn accept_unsigned(mut self, accept: bool) -> Self {
        self.accept_unsigned = accept;
        self.keys = self.keys.map(|keys| keys.accepting_unsigned(accept));
        self
    }

    /// Reads and writes the session cookies of another package, in place of all options here that shape the cookie.
    /// Default: none.
    ///
    /// A cookie that outlives the browser then ends with the session's idle time, as those packages count it, and every
    /// write sends it again.
    ///
    /// ```
    /// use cloakroom::Config;
    /// use cloakroom::format::{CookieFormat, FoundIds, IssuedCookie};
    ///
    /// /// The cookie of an older program: `sid=` and 64 hexadecimal digits.
    /// #[derive(Debug)]
    /// struct Older;
    ///
    /// impl CookieFormat for Older {
    ///     fn cookie_name(&self) -> &str {
    ///         "sid"
    ///     }
    ///     fn read(&self, headers: &mut dyn Iterator<Item = &[u8]>, found: &mut FoundIds<'_>) {
    ///         for header in headers.filter_map(|header| std::str::from_utf8(header).ok()) {
    ///             header.split("; ").filter_map(|pair| pair.strip_prefix("sid=")).for_each(|id| found.add(id));
    ///         }
    ///     }
    ///     fn new_id(&self, random: &[u8; 32]) -> String {
    ///         random.iter().map(|byte| format!("{byte:02x}")).collect()
    ///     }
    ///     fn issue(&self, cookie: &IssuedCookie<'_>) -> Vec<String> {
    ///         vec![format!("sid={}; Path=/; Secure; HttpOnly", cookie.id)]
    ///     }
    ///     fn remove(&self, _https: bool) -> Vec<String> {
    ///         vec!["sid=; Path=/; Secure; HttpOnly; Max-Age=0".to_owned()]
    ///     }
    /// }
    ///
    /// let config = Config::default().cookie_format(Older);
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn cookie_format(mut self, format: impl CookieFormat) -> Self {
        self.format = Some(Arc::new(format));
        self.lifetime.cookie_follows_idle = true;
        self
    }

    /// Carries ids in something other than a cookie; all options here that shape the cookie are then not used. Default: a
    /// cookie. See [`Transport`].
    ///
    /// ```
    /// # use cloakroom::{BearerTransport, Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().transport(BearerTransport); // a program on a phone
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Returns whether a write sends the cookie again, if it outlives the browser.
    pub(crate) const fn resend_on_write(&self) -> bool {
        self.format.is_some()
    }

    /// Sets whether the first element of `X-Forwarded-Proto` says if a request came over https, which matters for
    /// [`Secure::Auto`]. Only if every request comes through a proxy that sets the header. Default: `false`.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, Secure, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().secure(Secure::Auto).trust_forwarded_proto(true);
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// # let proxied = PlainRequest::default().with_forwarded_proto("https");
    /// # let request = manager.begin(&proxied);
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// // The proxy says `X-Forwarded-Proto: https`:
    /// assert!(set_cookie.contains("; Secure"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn trust_forwarded_proto(mut self, trust: bool) -> Self {
        self.trust_forwarded_proto = trust;
        self
    }

    /// Sets which proxies are believed when they say that a request came over https, which matters for [`Secure::Auto`]
    /// and for [formats](Self::cookie_format) that look at it. Default: none; only the connection itself counts.
    ///
    /// Cannot be combined with [`trust_forwarded_proto`](Self::trust_forwarded_proto), which reads the first element of the
    /// header, as the packages of Node do, and so believes the client where a proxy adds to the header.
    ///
    /// ```
    /// # use cloakroom::{Config, ProxyTrust, Secure, SessionManager, stores::MemoryStore};
    /// let config = Config::default().secure(Secure::Auto).trust_proxies(ProxyTrust::hops(1));
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn trust_proxies(mut self, trust: ProxyTrust) -> Self {
        self.proxies = Some(trust);
        self
    }

    /// Sets whether the cookie is sent with every response to a request that has a session. Default: `false`, so that
    /// responses can be cached. Loads the session of every request, and cannot be combined with
    /// [`renew_every`](Self::renew_every): a late response would bring an old id back.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().rolling(true);
    /// # let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # request.load().await?.insert("coat", "green")?;
    /// # let set_cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// # let cookie = PlainRequest::with_cookie(set_cookie.split(';').next().unwrap_or_default());
    /// # let request = manager.begin(&cookie);
    /// // The next request changes nothing, and its response brings the cookie again:
    /// assert!(request.commit().await?.set_cookie.is_some());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn rolling(mut self, rolling: bool) -> Self {
        self.rolling = rolling;
        self
    }
}
