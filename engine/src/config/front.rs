//! The options about browsers, proxies and caches.

use std::time::Duration;

use super::Config;
use crate::ConfigError;
use crate::cookie::is_cookie_name;

/// What a response that looked at its session says to caches, if the application says nothing in `Cache-Control`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Caching {
    /// `private`: no shared cache stores it; the browser may show its own copy again, also after a log-out.
    Private,
    /// `private, no-cache, no-store` if a user is logged in, else `private`.
    #[default]
    UsersNoStore,
    /// `private, no-cache, no-store`.
    NoStore,
}

/// What happens to a page that asks for its session while the browser fetches it ahead (`Sec-Purpose: prefetch`), before the
/// user has asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Prefetch {
    /// It sees the session, which stays as it is: its idle time, its id and its cookie too. If the page would change the session,
    /// or there are flash values for it, the answer is a 503, and the browser asks again when the user does.
    #[default]
    Look,
    /// The answer is a 503, and the browser asks again when the user does.
    Refuse,
    /// It is a request like any other.
    AsUsual,
}

/// What a browser drops when a response says so in `Clear-Site-Data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SiteData {
    /// `"cache"`: what it stored of this origin. Chromium also drops pages that it fetched ahead or keeps for going back, but
    /// for the page on which the user clicked.
    Cache,
    /// `"cookies"`: all cookies of the whole registrable domain, those of other hosts of it too. Chromium then ignores the
    /// cookies that the same response sets, so it is left out where a new session begins.
    Cookies,
    /// `"storage"`: what scripts of this origin stored.
    Storage,
    /// `"executionContexts"`: loads the open pages of this origin again.
    ExecutionContexts,
    /// `"clientHints"`: the hints that this origin asked for.
    ClientHints,
    /// `"prefetchCache"`: pages that it fetched ahead.
    PrefetchCache,
    /// `"prerenderCache"`: pages that it made ready to be shown.
    PrerenderCache,
}

impl SiteData {
    /// Returns the directive, in the quotes without which browsers ignore it.
    pub const fn directive(self) -> &'static str {
        match self {
            Self::Cache => "\"cache\"",
            Self::Cookies => "\"cookies\"",
            Self::Storage => "\"storage\"",
            Self::ExecutionContexts => "\"executionContexts\"",
            Self::ClientHints => "\"clientHints\"",
            Self::PrefetchCache => "\"prefetchCache\"",
            Self::PrerenderCache => "\"prerenderCache\"",
        }
    }

    /// Returns whether it is a copy of what the server would send again.
    const fn is_copy(self) -> bool {
        matches!(self, Self::Cache | Self::PrefetchCache | Self::PrerenderCache)
    }
}

/// What responses say to browsers, and to proxies and caches between.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) caching: Caching,
    pub(crate) outage_status: u16,
    pub(crate) retry_after: Duration,
    pub(crate) prefetch: Prefetch,
    pub(crate) cross_site_sessions: bool,
    site_data: Vec<SiteData>,
    /// Cookies of a former library.
    pub(crate) old_cookies: Vec<Box<str>>,
}

/// The status of an outage where nothing else is configured.
const OUTAGE_STATUS: u16 = 503;

/// After how long a client may ask again, where nothing else is configured.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Default for Front {
    fn default() -> Self {
        Self {
            caching: Caching::default(),
            outage_status: OUTAGE_STATUS,
            retry_after: RETRY_AFTER,
            prefetch: Prefetch::default(),
            cross_site_sessions: false,
            site_data: vec![SiteData::PrefetchCache, SiteData::PrerenderCache],
            old_cookies: Vec::new(),
        }
    }
}

impl Front {
    /// Returns whether an outage is answered as an error says by itself, without a configuration.
    pub(crate) fn answers_outages_as_usual(&self) -> bool {
        self.outage_status == OUTAGE_STATUS && self.retry_after == RETRY_AFTER
    }

    /// Returns the directives of `Clear-Site-Data` for a log-out (`ended`) or another change of user.
    pub(crate) fn site_data(&self, ended: bool, sets_id: bool) -> impl Iterator<Item = &'static str> {
        // A log-in keeps what scripts have stored, and its own cookie.
        let is_sent =
            move |data: SiteData| if ended { data != SiteData::Cookies || !sets_id } else { data.is_copy() };
        self.site_data.iter().copied().filter(move |data| is_sent(*data)).map(SiteData::directive)
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !(400..600).contains(&self.outage_status) {
            return Err(ConfigError::new(&["outage_status"], "is a status of an error, from 400 to 599"));
        }
        if !self.old_cookies.iter().all(|name| is_cookie_name(name)) {
            return Err(ConfigError::new(
                &["remove_old_cookies"],
                "a name is not a token as RFC 6265 defines it",
            ));
        }
        Ok(())
    }
}

/// # Browsers, proxies and caches
/// The document `docs/front.md` of the repository shows what each of them is for.
impl Config {
    /// Sets what a response that looked at its session says to caches where the application says nothing in
    /// `Cache-Control`. Default: [`Caching::UsersNoStore`], so that going back after a log-out asks the server.
    ///
    /// What the application says stays; `private` is added to it, unless it says `public`, `s-maxage`, `private` or
    /// `no-store`. A response that sets or removes the cookie always says `private, no-cache, no-store`.
    ///
    /// ```
    /// # use cloakroom::{Caching, Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().caching(Caching::NoStore); // pages of guests are secret, too
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn caching(mut self, caching: Caching) -> Self {
        self.front.caching = caching;
        self
    }

    /// Sets the status of a response whose session could not be loaded or saved because its store does not answer, or
    /// too many requests changed it at once. Default: 503.
    ///
    /// Proxies that watch the statuses of a server take it out of service after some 503s, with all pages that need no
    /// session. It is a status from 400 to 599.
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// let with = |status| SessionManager::new(MemoryStore::new(), Config::default().outage_status(status));
    /// assert!(with(429).is_ok());
    /// assert_eq!(with(200).unwrap_err().options(), ["outage_status"]);
    /// ```
    #[must_use]
    pub fn outage_status(mut self, status: u16) -> Self {
        self.front.outage_status = status;
        self
    }

    /// Sets the `Retry-After` of such a response, in whole seconds. Default: 1 second.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().retry_after(Duration::from_secs(30));
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.front.retry_after = wait;
        self
    }

    /// Sets what a browser drops, by `Clear-Site-Data`, when a user logs in or out. Default: [`SiteData::PrefetchCache`] and
    /// [`SiteData::PrerenderCache`], because a browser shows pages that it has fetched ahead without asking again, whatever
    /// they say of caches. An empty list sends no header.
    ///
    /// A log-in sends only the directives about copies of pages: `Cache` and these two. Browsers obey it over https only.
    ///
    /// ```
    /// use cloakroom::{Config, SiteData};
    ///
    /// let config = Config::default().clear_site_data([SiteData::Cache, SiteData::Storage]);
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn clear_site_data(mut self, data: impl IntoIterator<Item = SiteData>) -> Self {
        self.front.site_data = data.into_iter().collect();
        self
    }

    /// Takes cookies away that a former library has left in browsers: a response that used its session removes those of these
    /// names that the request brought. Default: none.
    ///
    /// It removes a cookie of this host whose path is `/`, and, with [`cookie_domain`](Self::cookie_domain), also one of that
    /// domain. Cannot name the cookie of the sessions.
    ///
    /// ```
    /// use cloakroom::Config;
    ///
    /// let config = Config::default().remove_old_cookies(["connect.sid", "PHPSESSID"]);
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn remove_old_cookies(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.front.old_cookies.extend(names.into_iter().map(|name| name.into().into_boxed_str()));
        self
    }

    /// Sets whether [`partitioned`](Self::partitioned) is just being switched on or off. Default: `false`.
    ///
    /// A browser keeps partitioned cookies in a jar of their own, and a removal reaches one jar. While this is set, a
    /// response that removes the cookie, or sets a new id, also removes the one in the other jar. Switch it off again when no
    /// older cookie can be alive.
    ///
    /// ```
    /// # use cloakroom::{Config, SameSite, SessionManager, stores::MemoryStore};
    /// // The release that begins to be shown in pages of other sites:
    /// let config = Config::default().same_site(SameSite::None).partitioned(true).switching_partitioned(true);
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn switching_partitioned(mut self, switching: bool) -> Self {
        self.cookie.both_jars = switching;
        self
    }

    /// Sets what happens to a page that asks for its session while the browser fetches it ahead. Default: [`Prefetch::Look`].
    ///
    /// ```
    /// # use cloakroom::{Config, Prefetch, SessionManager, stores::MemoryStore};
    /// let config = Config::default().prefetch(Prefetch::Refuse);
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn prefetch(mut self, prefetch: Prefetch) -> Self {
        self.front.prefetch = prefetch;
        self
    }

    /// Sets whether a page that another site makes the browser open begins a session, although the browser holds the cookie
    /// back: after a `POST` from there, or with [`SameSite::Strict`](crate::SameSite::Strict) after any link. Default:
    /// `false`, because the new session's cookie would replace that of the user.
    ///
    /// What such a request writes is dropped, as if its session had ended; a log-in is carried out. Needs a browser that sends
    /// `Sec-Fetch-Site`, which they do over https.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// let config = Config::default().cross_site_sessions(true); // partners post forms to a page for guests
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let _ = manager;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn cross_site_sessions(mut self, begin: bool) -> Self {
        self.front.cross_site_sessions = begin;
        self
    }
}
