//! Functions of the application.

use std::time::Duration;

use super::Config;
use crate::hooks::{HookResult, at_once, in_time};
use crate::{RequestInfo, Session, SessionView};

/// # Functions of the application
///
/// They are called without a lock, so they may use other sessions, the [`SessionManager`](crate::SessionManager) and
/// databases. One that panics, returns an error or is not done within the [deadline](Self::deadline) is an error of its
/// request ([`Hook`](crate::ErrorKind::Hook), a 500 in the adapters); nothing that is stored is lost. A function that
/// blocks its thread cannot be interrupted: one that asks a database returns a future.
///
/// While one is set, the head of each request is copied.
impl Config {
    /// Sets what decides whether a request may use the session that it brought: when the session was loaded, and before
    /// a handler sees it. Default: none; every live session is used.
    ///
    /// A request whose session is refused is anonymous ([`Event::Rejected`](crate::Event::Rejected)): what it writes is a
    /// new session with a new id. The refused one stays as it is, for requests that are not refused, unless this
    /// request logs a user in or out, which ends every session that it brought. Where several cookies were sent, the
    /// next one is tried, three at most.
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// // A session is good for the browser in which it began.
    /// let config = Config::default().validate(|request, session| {
    ///     let began_in = session.get::<String>("agent")?;
    ///     let agent = request.header("user-agent").map(String::from_utf8_lossy);
    ///     Ok::<_, cloakroom::Error>(began_in.as_deref() == agent.as_deref())
    /// });
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn validate<R: HookResult<bool>>(
        mut self,
        may_use: impl Fn(&RequestInfo, &SessionView) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks.validate = Some(at_once(move |(request, session)| may_use(&request, &session)));
        self
    }

    /// Does the same with a function that returns a future; see [`validate`](Self::validate).
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// # async fn is_locked(user: &str) -> Result<bool, std::io::Error> { Ok(user == "mallory") }
    /// let config = Config::default().validate_async(async |_request, session| match session.user() {
    ///     Some(user) => is_locked(&user).await.map(|locked| !locked),
    ///     None => Ok(true),
    /// });
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn validate_async<R, F, Fut>(mut self, may_use: F) -> Self
    where
        R: HookResult<bool>,
        F: Fn(RequestInfo, SessionView) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        self.hooks.validate = Some(in_time(move |(request, session)| may_use(request, session)));
        self
    }

    /// Sets what is called before a session is written, be it by [`save`](Session::save) or when the response is ready.
    /// Default: none.
    ///
    /// What it changes is part of the same write. It is not called if nothing is written, for a touch, or where a session
    /// only ends. A `save` that it makes itself does not call it again. If it fails, nothing is written and the changes are
    /// kept for another try; a log-out is carried out all the same.
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::default().before_save(|request, session| {
    ///     session.insert("last_page", request.path())
    /// });
    /// let manager = SessionManager::new(MemoryStore::new(), config)?;
    /// # let request = PlainRequest::default().with_path("/cart");
    /// # let session = manager.begin(&request).load().await?;
    /// session.insert("coat", "red")?;
    /// session.save().await?;
    /// assert_eq!(session.get::<String>("last_page")?.as_deref(), Some("/cart"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn before_save<R: HookResult<()>>(
        mut self,
        prepare: impl Fn(&RequestInfo, &Session) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks.before_save = Some(at_once(move |(request, session)| prepare(&request, &session)));
        self
    }

    /// Sets what makes the ids of new sessions and of renewed ones. Default: 256 bits of [`random`](Self::random).
    ///
    /// An id has 1 to 255 bytes of printable ASCII without `"`, `,`, `;` and `\\`, and at least 128 random bits, as far as
    /// its length and its characters can tell: fewer are an error, unless [`allow_weak_ids`](Self::allow_weak_ids). It
    /// must be secret and unguessable: possession of it gives access to the session. The store still sees its hash only. An id that
    /// another session has is asked for again, eight times at most.
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// # fn random_text() -> Result<String, std::io::Error> { Ok("Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf".into()) }
    /// let config = Config::default().id_generator(|_request| random_text().map(|text| format!("eu1-{text}")));
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn id_generator<R: HookResult<String>>(
        mut self,
        make: impl Fn(&RequestInfo) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks.new_id = Some(at_once(move |request| make(&request)));
        self
    }

    /// Does the same with a function that returns a future; see [`id_generator`](Self::id_generator).
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// # async fn ask() -> Result<String, std::io::Error> { Ok("Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf".into()) }
    /// let config = Config::default().id_generator_async(async |_request| ask().await);
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn id_generator_async<R, F, Fut>(mut self, make: F) -> Self
    where
        R: HookResult<String>,
        F: Fn(RequestInfo) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        self.hooks.new_id = Some(in_time(make));
        self
    }

    /// Sets whether ids of an [`id_generator`](Self::id_generator) may have fewer than 128 random bits. Default: `false`.
    ///
    /// Such ids can be guessed, and with them the sessions. Only for tests, and where something else keeps strangers out.
    ///
    /// ```
    /// use cloakroom::Config;
    ///
    /// let config = Config::default().allow_weak_ids(true); // a test that wants ids it can read
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn allow_weak_ids(mut self, allow: bool) -> Self {
        self.hooks.allow_weak_ids = allow;
        self
    }

    /// Sets how long a session lives from each write on if no request uses it, as a function of the session: a short time
    /// for carts, a long one for members. `None`: [`idle_timeout`](Self::idle_timeout), which is also what holds where
    /// no function is set. Default: none.
    ///
    /// It is the lifetime of the record in the store, apart from the cookie's
    /// ([`cookie_max_age`](Self::cookie_max_age)), and within the [absolute one](Self::absolute_timeout). It is asked before
    /// each write, after [`before_save`](Self::before_save), and comes before
    /// [`Session::set_idle_timeout`].
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    /// use std::time::Duration;
    ///
    /// let config = Config::default().record_lifetime(|session| {
    ///     session.user().is_none().then_some(Duration::from_secs(5 * 60))
    /// });
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn record_lifetime<R: HookResult<Option<Duration>>>(
        mut self,
        lifetime_of: impl Fn(&SessionView) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks.record_lifetime = Some(at_once(move |session| lifetime_of(&session)));
        self
    }

    /// Does the same with a function that returns a future; see [`before_save`](Self::before_save).
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// # async fn prices() -> Result<u32, std::io::Error> { Ok(7) }
    /// let config = Config::default().before_save_async(async |_request, session| {
    ///     session.insert("prices", prices().await?)?;
    ///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    /// });
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn before_save_async<R, F, Fut>(mut self, prepare: F) -> Self
    where
        R: HookResult<()>,
        F: Fn(RequestInfo, Session) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        self.hooks.before_save = Some(in_time(move |(request, session)| prepare(request, session)));
        self
    }
}
