//! The session manager, which all requests of an application share.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cloakroom_store::{Clock, Immediate, Result as StoreResult, Store};
use tokio::time::Instant;

use crate::audit;
use crate::config::Front;
use crate::cookie::{Codec, NotAnId, Secure, Template, before_comma, values_behind_commas, values_of};
use crate::endings::Endings;
use crate::format::CookieFormat;
use crate::id::{NewSecrets, SessionId};
use crate::key_queue::KeyQueue;
use crate::observe::{Event, Measurement, Observer, Operation, RejectReason};
use crate::random::Nonces;
use crate::request::{Candidates, RequestIds, RequestState};
use crate::shared_clock::SharedClock;
use crate::store_health::StoreHealth;
use crate::sweep::Sweeper;
use crate::transport::{self, Transport};
use crate::{
    Config, ConfigError, Error, Random, RequestHead, RequestInfo, RequestSession, Result, UserSessions,
};

/// Keeps sessions: one for an application, cheap to clone.
///
/// Adapters call [`begin`](Self::begin) when a request comes, [`RequestSession::load`] when a handler asks for its session
/// and [`RequestSession::commit`] before the response leaves.
#[derive(Clone)]
pub struct SessionManager(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) config: Config,
    codec: Codec,
    cookie: Template,
    /// Whether ids come in something other than a cookie of ours.
    reads_otherwise: bool,
    /// Whether no option has a part in how a request begins, but the cookie's name and signature.
    begins_plainly: bool,
    nonces: Nonces,
    pub(crate) sweeper: Sweeper,
    health: StoreHealth,
    queue: KeyQueue,
    shared_clock: SharedClock,
    endings: Endings,
    /// Whether the observer wants measurements.
    measures: bool,
}

impl SessionManager {
    /// Makes an engine on a store. Within a tokio runtime, also starts to sweep in the background.
    ///
    /// # Errors
    /// If options contradict each other, or the store lacks a capability that they need.
    pub fn new(store: impl Store, config: Config) -> Result<Self, ConfigError> {
        Self::from_arc(Arc::new(store), config)
    }

    /// Makes an engine on a store that is shared with other code.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn from_arc(store: Arc<dyn Store>, config: Config) -> Result<Self, ConfigError> {
        let codec = match (config.hooks.new_id.is_some(), config.keys.clone()) {
            (true, keys) => Codec::Chosen(keys),
            (false, Some(keys)) => Codec::Signed(keys),
            (false, None) => Codec::Plain,
        };
        let cookie = config.check(&codec)?;
        if config.cap.is_required() && store.capabilities().owners.is_none() {
            let message = "the store cannot find the sessions of a user";
            return Err(ConfigError::new(&["max_sessions_per_user", "store"], message));
        }
        let nonces =
            Nonces::new(&*config.random).map_err(|error| ConfigError::new(&["random"], error.to_string()))?;
        let reads_otherwise = config.format.is_some() || config.transport.is_some();
        let begins_plainly = config.begins_plainly();
        let measures = config.observer.as_ref().is_some_and(|observer| observer.measures());
        let engine = Self(Arc::new(Inner {
            store,
            config,
            codec,
            cookie,
            reads_otherwise,
            begins_plainly,
            nonces,
            sweeper: Sweeper::default(),
            health: StoreHealth::default(),
            queue: KeyQueue::default(),
            shared_clock: SharedClock::default(),
            endings: Endings::default(),
            measures,
        }));
        engine.start_sweeping();
        Ok(engine)
    }

    /// Begins a request: reads its cookies, asks no store. Those of a [`CookieFormat`] are read when the session is first
    /// looked at.
    pub fn begin(&self, head: &impl RequestHead) -> RequestSession {
        if self.0.reads_otherwise {
            return self.begin_otherwise(head);
        }
        let ids = self.ids_of_cookies(head);
        if self.0.begins_plainly {
            return RequestState::begin(self.clone(), ids.into(), false, true, None);
        }
        self.begin_with_options(ids, head)
    }

    /// Reads the cookies of our name.
    #[inline]
    fn ids_of_cookies(&self, head: &impl RequestHead) -> Candidates {
        let name = &*self.0.cookie.name;
        let (mut ids, mut has_cookies) = (Candidates::default(), false);
        for header in head.cookies() {
            has_cookies = true;
            for value in values_of(name, header) {
                self.read_id(value, &mut ids);
            }
        }
        if has_cookies && ids.is_empty() && self.0.cookie.reads_behind_commas {
            for header in head.cookies() {
                for value in values_behind_commas(name, header) {
                    self.read_id(value, &mut ids);
                }
            }
        }
        ids
    }

    /// Begins a request whose response, or whose session, takes more than its cookies.
    fn begin_with_options(&self, mut ids: Candidates, head: &impl RequestHead) -> RequestSession {
        if !self.front().old_cookies.is_empty() {
            self.old_cookies(head).into_iter().for_each(|line| ids.also_send(line));
        }
        let https = self.came_over_https(head);
        self.begun(RequestState::begin(self.clone(), ids.into(), https, true, self.info_of(head)), head)
    }

    /// Reads the value of a cookie, or what stands in the place of one.
    #[inline]
    fn read_id(&self, value: &[u8], ids: &mut Candidates) {
        if ids.is_full() {
            return;
        }
        let name = &*self.0.cookie.name;
        let read = match self.0.codec.read(name, value) {
            // Another line that was joined to this one by a comma: an id has none.
            Err(_) if value.contains(&b',') => self.0.codec.read(name, before_comma(value)),
            read => read,
        };
        match read {
            Ok(id) => ids.add(id),
            Err(NotAnId::Malformed) if value.is_empty() => {}
            Err(NotAnId::Malformed) => self.reject(ids, RejectReason::Malformed),
            Err(NotAnId::Forged) => self.reject(ids, RejectReason::Forged),
        }
    }

    /// Begins a request whose id does not come in a cookie of ours.
    fn begin_otherwise(&self, head: &impl RequestHead) -> RequestSession {
        let (format, transport) = (self.format(), self.0.config.transport.as_deref());
        if let Some(format) = format {
            return self.begin_with(format, head);
        }
        let (info, mut ids) = (RequestInfo::of(head), Candidates::default());
        for id in transport.map(|transport| transport::read(transport, &info)).unwrap_or_default() {
            self.read_id(id.as_bytes(), &mut ids);
        }
        self.begun(RequestState::begin(self.clone(), ids.into(), false, true, Some(info)), head)
    }

    /// Begins a request whose cookies are those of another package.
    fn begin_with(&self, format: &dyn CookieFormat, head: &impl RequestHead) -> RequestSession {
        let ids = RequestIds::unread(head.cookies(), self.old_cookies(head));
        let info = self.info_of(head);
        let is_covered = match &info {
            Some(info) if format.reads_requests() => format.covers_request(info),
            _ => head.path().is_none_or(|path| format.covers(path)),
        };
        let https = self.came_over_https(head);
        self.begun(RequestState::begin(self.clone(), ids, https, is_covered, info), head)
    }

    /// Copies the head of a request, if a function of the application or a format reads it.
    fn info_of(&self, head: &impl RequestHead) -> Option<RequestInfo> {
        let is_read =
            self.0.config.hooks.read_requests() || self.format().is_some_and(CookieFormat::reads_requests);
        is_read.then(|| RequestInfo::of(head))
    }

    /// Returns what takes the cookies of a former library away that the request brought.
    fn old_cookies(&self, head: &impl RequestHead) -> Vec<String> {
        let names = &self.front().old_cookies;
        let brought = |name: &str| head.cookies().any(|header| values_of(name, header).next().is_some());
        let remove = |name: &str| self.0.cookie.remove_old(name, self.came_over_https(head));
        names.iter().filter(|name| brought(name)).flat_map(|name| remove(name)).collect()
    }

    /// Reads the headers now where the session is loaded without being asked for.
    fn begun(&self, session: RequestSession, head: &impl RequestHead) -> RequestSession {
        if self.always_loads() {
            session.note_headers(head);
        }
        session
    }

    /// Reports a cookie that is not an id, once a request and reason: a client may send thousands.
    fn reject(&self, ids: &mut Candidates, reason: RejectReason) {
        if ids.reject(reason) {
            self.emit(&Event::Rejected { reason });
        }
    }

    /// Returns whether the request came over https. Read only where the answer changes the cookie.
    fn came_over_https(&self, head: &impl RequestHead) -> bool {
        if self.0.config.cookie.secure != Secure::Auto && self.format().is_none() {
            return false;
        }
        if let Some(proxies) = &self.0.config.proxies {
            return proxies.came_over_https(head);
        }
        let trusts = self.0.config.trust_forwarded_proto;
        let forwarded = if trusts { head.forwarded_proto() } else { None };
        forwarded.map_or_else(
            || head.is_https() && !trusts,
            |list| {
                list.split(|&byte| byte == b',')
                    .next()
                    .is_some_and(|first| first.trim_ascii().eq_ignore_ascii_case(b"https"))
            },
        )
    }

    /// Returns sessions by user: what a page of devices or an administrator needs.
    pub fn sessions(&self) -> UserSessions {
        UserSessions::new(self.clone())
    }

    /// Returns the name of the cookie, exactly as it is written and read.
    pub fn cookie_name(&self) -> &str {
        self.format().map_or(&self.0.cookie.name, CookieFormat::cookie_name)
    }

    /// Returns the store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// Returns what responses say to browsers and caches.
    pub(crate) fn front(&self) -> &Front {
        &self.0.config.front
    }

    /// Returns what carries ids, if it is not a cookie.
    pub(crate) fn transport(&self) -> Option<&dyn Transport> {
        self.0.config.transport.as_deref()
    }

    /// Returns whether ids travel in cookies, which browsers send by themselves.
    pub fn uses_cookies(&self) -> bool {
        self.0.config.transport.is_none()
    }

    /// Returns whether every request loads its session, even if no handler asks for it.
    pub(crate) fn always_loads(&self) -> bool {
        self.0.config.always_loads()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Returns what reads and writes the cookies, if they are those of another package.
    pub(crate) fn format(&self) -> Option<&dyn CookieFormat> {
        self.0.config.format.as_deref()
    }

    pub(crate) fn codec(&self) -> &Codec {
        &self.0.codec
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.0.codec.is_signed() || self.format().is_some()
    }

    pub(crate) fn cookie(&self) -> &Template {
        &self.0.cookie
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.config.clock
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.config.random
    }

    pub(crate) fn health(&self) -> &StoreHealth {
        &self.0.health
    }

    pub(crate) fn shared_clock(&self) -> &SharedClock {
        &self.0.shared_clock
    }

    pub(crate) fn endings(&self) -> &Endings {
        &self.0.endings
    }

    pub(crate) fn queue(&self) -> &KeyQueue {
        &self.0.queue
    }

    pub(crate) fn next_nonce(&self) -> u64 {
        self.0.nonces.next()
    }

    /// Returns the store's answers without waiting, if it has the capability.
    #[inline]
    pub(crate) fn immediate(&self) -> Option<&dyn Immediate> {
        self.0.store.capabilities().immediate
    }

    /// Returns how many sessions a user may have, if the store can tell.
    pub(crate) fn session_limit(&self) -> Option<usize> {
        let limit = self.0.config.cap.limit()?;
        self.0.store.capabilities().owners.map(|_| limit)
    }

    /// Draws the random parts of a new session. Never call it under a lock: the generator is the application's.
    pub(crate) fn draw_secrets(&self) -> Result<NewSecrets> {
        match self.format() {
            Some(format) => {
                NewSecrets::draw_with(self.random(), |random| SessionId::foreign(&format.new_id(random)))
            }
            None => NewSecrets::draw(self.random()),
        }
    }

    /// Notes what the store answered.
    #[inline]
    pub(crate) fn record_answer<T>(&self, answer: &StoreResult<T>) {
        let event = match answer {
            Ok(_) => self.0.health.record_success(),
            Err(error) => self.0.health.record_error(error),
        };
        if let Some(event) = event {
            self.emit(&event);
        }
    }

    /// Tells the application of an event. An observer that panics breaks neither a request nor the sweep.
    pub(crate) fn emit(&self, event: &Event) {
        audit::note(event);
        self.tell(|observer| observer.on_event(event));
    }

    fn tell(&self, what: impl FnOnce(&dyn Observer)) {
        let Some(observer) = &self.0.config.observer else { return };
        if catch_unwind(AssertUnwindSafe(|| what(&**observer))).is_err() {
            tracing::error!("the session observer panicked");
        }
    }

    /// Returns when an operation begins, if operations are measured.
    #[inline]
    pub(crate) fn begin_measurement(&self) -> Option<Instant> {
        self.0.measures.then(Instant::now)
    }

    /// Tells the application what an operation took.
    pub(crate) fn measured(&self, measurement: &Measurement) {
        self.tell(|observer| observer.on_measurement(measurement));
    }

    pub(crate) fn failed(&self, operation: Operation, error: &Error) {
        tracing::warn!(?operation, error = error as &dyn std::error::Error, "a session operation failed");
        self.emit(&Event::Failed { operation, kind: error.kind() });
    }
}

impl fmt::Debug for SessionManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager")
            .field("store", &self.0.store)
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
