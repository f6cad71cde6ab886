//! The life of a session around a request: begin, load, commit. Nothing else awaits a store for a request.

mod commit;
mod contact;
mod gate;
mod load;
mod patience;
mod sweep;
mod visit;

use std::fmt;
use std::sync::Arc;

use cloakroom_store::{Clock, Store, StoreKey, Updated, Version};

use crate::config::TrustProxy;
use crate::cookie::{Codec, NotAnId, Secure, Template, values_of};
use crate::id::Minted;
use crate::observe::{Event, Refusal};
use crate::random::Nonces;
use crate::{Config, ConfigError, Random, RequestHead, Result, SessionId, Sessions};

pub(crate) use visit::Visit;
pub use visit::{Outcome, Pending};

/// Keeps sessions: one for an application, cheap to clone.
///
/// Adapters call [`begin`](Self::begin) when a request comes, [`Pending::load`] when a handler asks for its session
/// and [`Pending::commit`] before the response leaves.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    config: Config,
    codec: Codec,
    cookie: Template,
    nonces: Nonces,
    sweeper: sweep::Sweeper,
    contact: contact::Contact,
}

/// How many ids of one request are looked up, whatever the client sends.
pub(crate) const MOST_LOOKUPS: usize = 3;

impl Engine {
    /// Makes an engine on a store. Within a tokio runtime, also starts to sweep in the background.
    ///
    /// # Errors
    /// If options contradict each other, or the store lacks an ability that they need.
    pub fn new(store: impl Store, config: Config) -> Result<Self, ConfigError> {
        Self::shared(Arc::new(store), config)
    }

    /// Makes an engine on a store that others use too.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn shared(store: Arc<dyn Store>, config: Config) -> Result<Self, ConfigError> {
        let codec = config.keys.clone().map_or(Codec::Plain, Codec::Signed);
        let cookie = config.check(&codec)?;
        if config.cap.is_some() && store.abilities().owners.is_none() {
            let message = "the store cannot find the sessions of a user";
            return Err(ConfigError::new(&["sessions_per_user", "store"], message));
        }
        let nonces =
            Nonces::new(&*config.random).map_err(|error| ConfigError::new(&["random"], error.to_string()))?;
        let sweeper = sweep::Sweeper::default();
        let contact = contact::Contact::default();
        let engine = Self(Arc::new(Inner { store, config, codec, cookie, nonces, sweeper, contact }));
        engine.start_sweeping();
        Ok(engine)
    }

    /// Begins a request: reads its cookies, asks nobody.
    pub fn begin(&self, head: &impl RequestHead) -> Pending {
        let name = &*self.0.cookie.name;
        let mut ids = Candidates::default();
        for header in head.cookies() {
            for value in values_of(name, header) {
                match self.0.codec.read(name, value) {
                    Ok(id) => ids.add(id),
                    Err(NotAnId::Malformed) if value.is_empty() => {}
                    Err(NotAnId::Malformed) => self.emit(&Event::Refused { reason: Refusal::Malformed }),
                    Err(NotAnId::Forged) => self.emit(&Event::Refused { reason: Refusal::Forged }),
                }
            }
        }
        Visit::begin(self.clone(), ids, self.came_over_https(head))
    }

    /// Matters only where the answer changes the cookie.
    fn came_over_https(&self, head: &impl RequestHead) -> bool {
        if self.0.config.cookie.secure != Secure::Auto {
            return false;
        }
        let forwarded = match self.0.config.proxy {
            TrustProxy::No => None,
            TrustProxy::Yes => head.forwarded_proto(),
        };
        forwarded.map_or_else(
            || head.is_https() && self.0.config.proxy == TrustProxy::No,
            |list| {
                list.split(|&byte| byte == b',')
                    .next()
                    .is_some_and(|first| first.trim_ascii().eq_ignore_ascii_case(b"https"))
            },
        )
    }

    /// Sessions by user: what a page of devices or an administrator needs.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.clone())
    }

    /// The name of the cookie, exactly as it is written and read.
    pub fn cookie_name(&self) -> &str {
        &self.0.cookie.name
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// Whether a log-out also clears the site's data in the browser.
    pub fn clears_site_data(&self) -> bool {
        self.0.config.clear_site_data
    }

    /// Whether every request's session is looked at, asked for or not.
    pub(crate) fn always_loads(&self) -> bool {
        self.0.config.rolling || self.0.config.save_empty
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.config.clock
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.config.random
    }

    /// Ends the session under `key` if it still has this version; what came in its place stays.
    pub(crate) async fn end_exactly(
        &self,
        key: &StoreKey,
        version: Version,
    ) -> cloakroom_store::Result<bool> {
        let answer = self.0.store.update(key, version, &cloakroom_store::Record::expired()).await;
        self.heard(&answer);
        Ok(matches!(answer?, Updated::Updated(_)))
    }

    pub(crate) fn mint(&self) -> Result<Minted> {
        Minted::draw(self.random())
    }

    pub(crate) fn emit(&self, event: &Event) {
        if let Some(observer) = &self.0.config.observer {
            observer.event(event);
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("store", &self.0.store)
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

/// The ids that a request brought, each once, as many as will be looked up.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    first: Option<SessionId>,
    others: Vec<SessionId>,
}

impl Candidates {
    fn add(&mut self, id: SessionId) {
        if self.first.is_none() {
            self.first = Some(id);
        } else if self.others.len() + 1 < MOST_LOOKUPS && !self.iter().any(|other| *other == id) {
            self.others.push(id);
        }
    }

    fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn iter(&self) -> impl Iterator<Item = &SessionId> {
        self.first.iter().chain(&self.others)
    }
}
